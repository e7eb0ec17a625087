/*
 * static-showproc: shows where it is, for a chroot that holds nothing but this program. One request
 * a connection, whatever the web server asks for.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "lib/proc.h"
#include "lib/responder.h"

static void answer(struct request *request)
{
	struct bytes *out = &request->answer;

	proc_say_ids(out);
	say(out, "passwd %s\n", access("/etc/passwd", F_OK) == 0 ? "visible" : "hidden");
	say(out, "proc %s\n", access("/proc/self", F_OK) == 0 ? "visible" : "hidden");
	proc_say_directory(out, "/");
	proc_say_environment(out);
	(void)request_end(request);
}

static void serve(int connection)
{
	static struct wire_record record;
	struct request request = {0};

	while (wire_receive_record(connection, &record) == 0) {
		request.connection = connection;
		if (record.id == 0)
			break;
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
	perror("static-showproc: accept");
	return 1;
}
