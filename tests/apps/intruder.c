/*
 * intruder: a FastCGI program that tries what a program that was taken over would, and answers with
 * a line for each: "WHAT: RESULT". Its request says what it has found out: SUPERVISOR and MUX
 * (pids), SOCKETS (the directory of the children's sockets), SIBLING and FRONT (paths of sockets).
 * One request a connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/proc.h"
#include "lib/responder.h"

static void tell(struct bytes *out, const char *what, long result)
{
	say(out, "%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

static void try_process(struct bytes *out, const char *name, pid_t pid)
{
	static const char *const files[] = {"environ", "mem", "fd", "fd/3"};
	char what[64], path[64];

	snprintf(what, sizeof(what), "signal the %s", name);
	tell(out, what, kill(pid, 0));
	snprintf(what, sizeof(what), "trace the %s", name);
	tell(out, what, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(what, sizeof(what), "read %s of the %s", files[i], name);
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		tell(out, what, open(path, O_RDONLY | O_CLOEXEC));
	}
}

static long connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long result;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	result = connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (result < 0) {
		int error = errno;

		close(fd);
		errno = error;
	}
	return result;
}

static void try_sockets(struct bytes *out, const char *directory, const char *sibling)
{
	char path[256];

	tell(out, "list the sockets", open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	snprintf(path, sizeof(path), "%s/mine", directory);
	tell(out, "make a file beside the sockets",
	     open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	tell(out, "remove a sibling's socket", unlink(sibling));
	tell(out, "connect to a sibling", connect_to(sibling));
}

static void try_to_be_somebody(struct bytes *out)
{
	tell(out, "become root", setuid(0));
	tell(out, "join root's group", setgid(0));
	tell(out, "read /etc/shadow", open("/etc/shadow", O_RDONLY | O_CLOEXEC));
	tell(out, "leave the group of processes", setpgid(0, getppid()));
}

static void answer(struct request *request)
{
	struct bytes *out = &request->answer;
	char *mux = request_param(request, "MUX"),
	     *supervisor = request_param(request, "SUPERVISOR");
	char *sockets = request_param(request, "SOCKETS"), *front = request_param(request, "FRONT");
	char *sibling = request_param(request, "SIBLING");

	try_process(out, "supervisor", (pid_t)strtol(supervisor, NULL, 10));
	try_process(out, "mux", (pid_t)strtol(mux, NULL, 10));
	try_sockets(out, sockets, sibling);
	tell(out, "connect to the front", connect_to(front));
	tell(out, "remove the front", unlink(front));
	try_to_be_somebody(out);
	free(mux);
	free(supervisor);
	free(sockets);
	free(front);
	free(sibling);
	(void)request_end(request);
}

static void serve(int connection)
{
	static struct wire_record record;
	struct request request = {.connection = connection, .status = 200};

	while (wire_receive_record(connection, &record) == 0 && record.id != 0) {
		if (request_take(&request, &record)) {
			answer(&request);
			break;
		}
	}
	request_fini(&request);
	close(connection);
}

int main(void)
{
	int connection;

	while ((connection = accept4(0, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		serve(connection);
	perror("intruder: accept");
	return 1;
}
