#ifndef TESTS_UNIT_FAULTY_CALLS_H
#define TESTS_UNIT_FAULTY_CALLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * Calls of the system and the library that fail once, the others not, while a piece of work is
 * done; and what has to be as it was behind it. The linker's --wrap leads the calls to
 * faulty_calls.c.
 */
struct fault {
	const char *call; /* its name; NULL: none fails */
	unsigned left;	  /* how many of it are still before the one that fails, and that one */
	int error;	  /* what it leaves in errno */
	bool has_failed;
};

/* Shared with the processes that the work forks: one failure is meant for all of them. */
extern struct fault *fault;

/* Before anything else. */
void fault_init(void);

struct row {
	const char *name;
	int (*work)(void); /* 0, or what it says of a failure */
	const char *call;
	int error;    /* of the call; the work says -error, but where `said` is another */
	int said;     /* what the work says; ANY_ERROR: as above, GOES_ON: 0 */
	unsigned max; /* the last of the calls that fails; 0: each, until there are no more */
};

enum { ANY_ERROR = 0, GOES_ON = 1 };

/*
 * Does the work with each of the calls that fails. The directory is the work's own, and empty:
 * nothing may be left there, nor a descriptor.
 */
void check_row(const struct row *row, const char *directory);

/* What the tests need themselves, and does not fail. */
int __real_bind(int fd, const struct sockaddr *to, socklen_t len);
int __real_close(int fd);
uid_t __real_geteuid(void);
int __real_listen(int fd, int backlog);
int __real_pipe2(int ends[2], int flags);
int __real_setenv(const char *name, const char *value, int over);
int __real_socket(int domain, int type, int protocol);
int __real_socketpair(int domain, int type, int protocol, int pair[2]);
pid_t __real_waitpid(pid_t pid, int *status, int options);

#endif
