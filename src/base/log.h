#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The one way to log. One call is one line, written with one write(2), its control bytes escaped,
 * and cut with a mark where it is longer than 8 KiB. What cannot be written is lost, and nothing
 * else; the first line that can be written again comes after one that says how many were. Only
 * herd, mux and the programs call it; libraries below them return a sentence or an error instead.
 *
 * Nobody can flood it: warnings and information from one format string are written 50 times a
 * second, and then counted. When the second is over one line says how many there were and what the
 * last of them was; so does the end of the program. What has to be seen line by line goes through
 * log_every.
 */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * What a line is. FULL: it begins with time, program and pid, unless syslog adds these. JSON: an
 * object with the members time (RFC 3339), level, program, pid and message, also in syslog. TAGGED,
 * under a supervisor that adds these itself: it begins with the level in the form "<4>" of
 * sd-daemon(3).
 */
enum log_form { LOG_FORM_FULL, LOG_FORM_JSON, LOG_FORM_TAGGED };

/*
 * Sets the program's name (borrowed, for the whole run) and the form, as often as wanted. Until
 * log_open: stderr.
 */
void log_init(const char *program, enum log_form form);

/*
 * Sends the lines to target: "stdout", "stderr", "syslog" or the path of a file (created with mode
 * 0640 and appended to). Returns 0, or -errno and leaves the target as it was.
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

/* Written however many there are of its kind. */
void log_every(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A line that came from another process: logged as that process (name and pid in place of ours) at
 * the given level, never cut and never only counted. line need not end in NUL.
 */
void log_foreign(enum log_level level, const char *name, int pid, const char *line, int len);

/*
 * Tells what was held back in seconds that are over, as the next line would. True: there is more;
 * to be called again in a second.
 */
bool log_flush(void);

/* A clock in milliseconds to tell seconds by, for tests; NULL: the system's again. */
void log_set_clock(uint64_t (*now_ms)(void));

#endif
