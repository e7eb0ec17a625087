#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a process can do from here on, whoever gets hold of it: the system calls of a relay
 * (seccomp, which kills it on any other), and the files and ports of its plan (Landlock, where the
 * kernel has it). There is no way out, for its children neither. It complements privileges, which
 * come first. The only user of libseccomp.
 */

/* What may be done below a place; sums of them. */
enum sandbox_right {
	SANDBOX_READ = 1,
	SANDBOX_APPEND = 2, /* open files to write to, new ones too */
	SANDBOX_REMOVE = 4, /* files, sockets */
};

struct sandbox_place {
	const char *
		path; /* borrowed; where there is nothing yet, the nearest directory above counts */
	int rights;
};

struct sandbox_plan {
	const struct sandbox_place *places;
	size_t place_count;
	const uint16_t *ports; /* of TCP, to connect to */
	size_t port_count;
	bool has_any_port; /* those that count are not known before: ports says nothing */
	bool resolves;	   /* name servers are asked: UDP too */
};

/* What is in force; the errors say why not. */
struct sandbox {
	int seccomp_error;  /* 0 or -errno; -ENOTSUP: this build has none, see SANDBOX_OFF */
	int landlock_error; /* as that; -ENOSYS, -EOPNOTSUPP: the kernel has none */
	int landlock_abi;   /* 1 and more: what of it the kernel has */
};

/*
 * Enters it, as far as the kernel lets us. For a process of one thread. A directory that is
 * replaced by another of its name after this is out of reach: a rule goes with the directory.
 */
void sandbox_enter(const struct sandbox_plan *plan, struct sandbox *sandbox);

#endif
