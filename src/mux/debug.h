#ifndef MUX_DEBUG_H
#define MUX_DEBUG_H

struct proc_connection;
struct request;

/*
 * With debug = 1: the balance as lighttpd's mod_fastcgi shows it, a line for each proc of the
 * backend, the least loaded first:
 *
 *   proc: ADDRESS PORT UNIX-SOCKET IS-LOCAL STATE LOAD PID
 *
 * STATE is 0 until the proc has answered, 1: running, 2: left out, 3: dead. After it comes "got
 * proc: FD PID", the connection about to be used; or before it "release proc: FD PID".
 */
void debug_show_taken(const struct proc_connection *connection);
void debug_show_released(const struct proc_connection *connection);

/*
 * With debug = 2 also the variables of each request, a line each: as the web server sent them, and
 * as the application gets them.
 */
void debug_show_sent(const struct request *request);
void debug_show_given(const struct request *request);

#endif
