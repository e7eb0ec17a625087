#ifndef TESTS_UNIT_ANSWERER_H
#define TESTS_UNIT_ANSWERER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_SIZE = 4096 };

/* The records of one answer. */
struct answer {
	uint8_t bytes[ANSWER_SIZE];
	size_t len;
	bool is_deaf; /* what was asked is never read, and the connection reset */
};

static inline void answer_add(struct answer *answer, uint8_t type, const void *content, size_t len)
{
	const uint8_t header[] = {1, type, 0, 1, (uint8_t)(len >> 8), (uint8_t)len, 0, 0};

	assert_true(answer->len + sizeof(header) + len <= sizeof(answer->bytes));
	memcpy(answer->bytes + answer->len, header, sizeof(header));
	memcpy(answer->bytes + answer->len + sizeof(header), content, len);
	answer->len += sizeof(header) + len;
}

/* A whole one: FCGI_STDOUT, FCGI_STDERR where there is any, FCGI_END_REQUEST. */
static inline struct answer answer_of(const char *out, const char *error)
{
	const uint8_t end[8] = {0};
	struct answer answer = {0};

	answer_add(&answer, 6, out, strlen(out));
	if (error)
		answer_add(&answer, 7, error, strlen(error));
	answer_add(&answer, 3, end, sizeof(end));
	return answer;
}

/* A process that gives everybody the same answer, at a socket in a directory of its own. */
struct answerer {
	char directory[40], path[60];
	pid_t pid;
};

static inline void answerer_serve(int listener, const struct answer *answer)
{
	char asked[1024];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		struct pollfd polled = {.fd = fd, .events = POLLIN};

		(void)poll(&polled, 1, 10000);
		if (!answer->is_deaf) {
			(void)!send(fd, answer->bytes, answer->len, MSG_NOSIGNAL);
			shutdown(fd, SHUT_WR);
			while (read(fd, asked, sizeof(asked)) > 0)
				;
		}
		close(fd);
	}
}

static inline void answerer_init(struct answerer *answerer, const struct answer *answer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*answerer = (struct answerer){.directory = "/tmp/test-answerer.XXXXXX"};
	assert_non_null(mkdtemp(answerer->directory));
	snprintf(answerer->path, sizeof(answerer->path), "%s/s", answerer->directory);
	memcpy(address.sun_path, answerer->path, strlen(answerer->path));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	answerer->pid = fork();
	assert_true(answerer->pid >= 0);
	if (answerer->pid == 0) {
		alarm(60);
		answerer_serve(listener, answer);
	}
	close(listener);
}

static inline void answerer_fini(struct answerer *answerer)
{
	kill(answerer->pid, SIGKILL);
	waitpid(answerer->pid, NULL, 0);
	unlink(answerer->path);
	rmdir(answerer->directory);
}

#endif
