#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * The one way to log. One call is one line, written with one write(2), its control bytes as \xNN,
 * and cut with a mark where it is longer than 8 KiB. What cannot be written is lost, and nothing
 * else. Only herd, mux and the programs call it; libraries below them return a sentence or an error
 * instead.
 */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * How a line begins on stderr or in a file: with time, program and pid; or, under a supervisor that
 * adds these itself, with the level in the form "<4>" of sd-daemon(3).
 */
enum log_form { LOG_FORM_FULL, LOG_FORM_TAGGED };

/* Sets the program's name (borrowed, for the whole run) and the form. Until log_open: stderr. */
void log_init(const char *program, enum log_form form);

/*
 * Sends the lines to target: "stderr", "syslog" or the path of a file (created with mode 0640 and
 * appended to). Returns 0, or -errno and leaves the target as it was.
 */
int log_open(const char *target) __attribute__((warn_unused_result));

/* Opens a log file again after it was moved away; nothing for other targets. 0 or -errno. */
int log_reopen(void) __attribute__((warn_unused_result));

void log_set_level(enum log_level level);

/* "error", "warning", "info" or "debug". */
const char *log_level_name(enum log_level level);

/* warn and fatal add ": " and the text of errno; the x forms do not. fatal exits with status. */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void fatalx(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/*
 * A line that came from another process: logged as that process (name and pid in place of ours) at
 * the given level, and never cut. line need not end in NUL.
 */
void log_foreign(enum log_level level, const char *name, int pid, const char *line, int len);

#endif
