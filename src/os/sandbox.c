#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

/*
 * Landlock as landlock(7) and the kernel's linux/landlock.h have it: the header of an older kernel
 * lacks what a newer one understands.
 */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { ASK_VERSION = 1 };
enum { RULE_BELOW = 1, RULE_PORT = 2 };
enum {
	FS_WRITE_FILE = 0x2,
	FS_READ_FILE = 0x4,
	FS_READ_DIR = 0x8,
	FS_REMOVE_FILE = 0x20,
	FS_MAKE_FILE = 0x100,
	FS_FIRST_ALL = 0x1fff, /* of the first ABI */
	FS_REFER = 0x2000,
	FS_TRUNCATE = 0x4000,
	FS_DEVICE_IOCTL = 0x8000,
};
enum { NET_BIND = 0x1, NET_CONNECT = 0x2 };
enum { SCOPE_ABSTRACT_SOCKETS = 0x1, SCOPE_SIGNALS = 0x2 };
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_DEVICE_IOCTL = 5, ABI_SCOPES = 6 };

struct ruleset {
	uint64_t files, net, scopes; /* what is forbidden where no rule allows it */
};

struct rule_below {
	uint64_t allowed;
	int32_t directory;
} __attribute__((packed));

struct rule_port {
	uint64_t allowed;
	uint64_t port;
};

static int add_rule(int ruleset, int type, const void *rule)
{
	return syscall(ADD_RULE, ruleset, type, rule, 0) < 0 ? -errno : 0;
}

/* The kernel refuses bits that it does not know. */
static struct ruleset ruleset_of(const struct sandbox_plan *plan, int abi)
{
	struct ruleset forbidden = {.files = FS_FIRST_ALL};

	if (abi >= ABI_REFER)
		forbidden.files |= FS_REFER;
	if (abi >= ABI_TRUNCATE)
		forbidden.files |= FS_TRUNCATE;
	if (abi >= ABI_DEVICE_IOCTL)
		forbidden.files |= FS_DEVICE_IOCTL;
	if (abi >= ABI_NET)
		forbidden.net = NET_BIND | (plan->has_any_port ? 0 : NET_CONNECT);
	if (abi >= ABI_SCOPES)
		forbidden.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
	return forbidden;
}

/* As many of its fields as the kernel knows: it takes a longer one only with zeros at its end. */
static size_t ruleset_len(int abi)
{
	if (abi < ABI_NET)
		return offsetof(struct ruleset, net);
	return abi < ABI_SCOPES ? offsetof(struct ruleset, scopes) : sizeof(struct ruleset);
}

/* The place, or where there is none yet, the nearest directory above it. A descriptor or -errno. */
static int open_nearest(const char *path)
{
	char nearest[PATH_MAX];
	char *slash;
	int fd;

	if (text_format(nearest, sizeof(nearest), "%s", path) < 0)
		return -ENAMETOOLONG;
	for (;;) {
		fd = open(nearest, O_PATH | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			break;
		slash = strrchr(nearest, '/');
		if (!slash)
			(void)text_format(nearest, sizeof(nearest), ".");
		else
			slash[slash == nearest] = '\0';
	}
	return fd < 0 ? -errno : fd;
}

static uint64_t file_rights(int rights, mode_t mode)
{
	uint64_t allowed = 0;

	if (rights & SANDBOX_READ)
		allowed |= FS_READ_FILE | FS_READ_DIR;
	if (rights & SANDBOX_APPEND)
		allowed |= FS_WRITE_FILE | FS_MAKE_FILE;
	if (rights & SANDBOX_REMOVE)
		allowed |= FS_REMOVE_FILE;
	/* The kernel refuses what makes no sense for a file. */
	return S_ISDIR(mode) ? allowed : allowed & (FS_READ_FILE | FS_WRITE_FILE);
}

/* What this user cannot get to is out of reach without a rule too. */
static int allow_place(int ruleset, const struct sandbox_place *place)
{
	struct rule_below rule = {.directory = open_nearest(place->path)};
	struct stat status;
	int error;

	if (rule.directory < 0)
		return rule.directory == -EACCES ? 0 : rule.directory;
	error = fstat(rule.directory, &status) < 0 ? -errno : 0;
	if (error == 0) {
		rule.allowed = file_rights(place->rights, status.st_mode);
		error = add_rule(ruleset, RULE_BELOW, &rule);
	}
	close(rule.directory);
	return error;
}

static int allow_ports(int ruleset, const struct sandbox_plan *plan)
{
	int error = 0;

	for (size_t i = 0; i < plan->port_count && error == 0; i++) {
		const struct rule_port rule = {NET_CONNECT, plan->ports[i]};

		error = add_rule(ruleset, RULE_PORT, &rule);
	}
	return error;
}

static int allow_plan(int ruleset, const struct sandbox_plan *plan, int abi)
{
	int error = 0;

	for (size_t i = 0; i < plan->place_count && error == 0; i++)
		error = allow_place(ruleset, &plan->places[i]);
	if (error == 0 && abi >= ABI_NET && !plan->has_any_port)
		error = allow_ports(ruleset, plan);
	return error;
}

/* The version of it that the kernel has, in force, or -errno. */
static int enter_landlock(const struct sandbox_plan *plan)
{
	int abi = (int)syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	struct ruleset forbidden = ruleset_of(plan, abi);
	int ruleset, error;

	if (abi < 0)
		return -errno;
	ruleset = (int)syscall(CREATE_RULESET, &forbidden, ruleset_len(abi), 0);
	if (ruleset < 0)
		return -errno;
	error = allow_plan(ruleset, plan, abi);
	if (error == 0 && syscall(RESTRICT_SELF, ruleset, 0) < 0)
		error = -errno;
	close(ruleset);
	return error < 0 ? error : abi;
}

/*
 * Whatever their arguments: those of relaying first, which the kernel then lets pass without
 * running the filter (Linux 5.11). What an architecture does not have is left out. Nothing here
 * makes a process, a listening socket or executable memory, sends a signal or changes who we are.
 */
static const int calls[] = {
	/* sockets */
	SCMP_SYS(read),
	SCMP_SYS(recv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(send),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendfile),
	SCMP_SYS(sendfile64),
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
	SCMP_SYS(close),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* the loop */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1), /* libev, where others still have a closed socket open */
	SCMP_SYS(wait4),	 /* what a shell had started before it became us */
	SCMP_SYS(waitpid),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(ppoll_time64),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	/* memory, and what the C library does by itself */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(futex_time64),
	SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	/* files */
	SCMP_SYS(openat2),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(stat),
	SCMP_SYS(stat64),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64),
	SCMP_SYS(statx),
	/* signals that come, and the end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* who and where we are */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getppid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
};

enum { SOCKET_TYPE_MASK = 0xf }; /* without SOCK_CLOEXEC and SOCK_NONBLOCK */

/* Arguments of 32 bits: what is above them in a register counts for nothing. */
#define SOCKET_OF(family, type)                                                                    \
	SCMP_A0_32(SCMP_CMP_EQ, family, 0), SCMP_A1_32(SCMP_CMP_MASKED_EQ, SOCKET_TYPE_MASK, type)
#define NOT_EXECUTABLE SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)

/* Those that matter by what they are asked for. */
static int allow_narrow_calls(scmp_filter_ctx filter)
{
	const struct {
		int call;
		unsigned count;
		struct scmp_arg_cmp arguments[2];
	} rules[] = {
		{SCMP_SYS(socket), 2, {SOCKET_OF(AF_UNIX, SOCK_STREAM)}},
		{SCMP_SYS(socket), 2, {SOCKET_OF(AF_INET, SOCK_STREAM)}},
		{SCMP_SYS(socket), 2, {SOCKET_OF(AF_INET6, SOCK_STREAM)}},
		/* For a syslog that was started again. */
		{SCMP_SYS(socket), 2, {SOCKET_OF(AF_UNIX, SOCK_DGRAM)}},
		{SCMP_SYS(mmap), 1, {NOT_EXECUTABLE}},
		{SCMP_SYS(mmap2), 1, {NOT_EXECUTABLE}},
		{SCMP_SYS(mprotect), 1, {NOT_EXECUTABLE}},
		{SCMP_SYS(ioctl), 1, {SCMP_A1_32(SCMP_CMP_EQ, TCGETS, 0)}},
		/* An assertion that fails may say so. */
		{SCMP_SYS(tgkill),
		 2,
		 {SCMP_A0_32(SCMP_CMP_EQ, (unsigned)getpid(), 0),
		  SCMP_A2_32(SCMP_CMP_EQ, SIGABRT, 0)}},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		error |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call,
						rules[i].count, rules[i].arguments);
	return error;
}

/* The sockets of os/resolver, which it does not bind. */
static int allow_resolving(scmp_filter_ctx filter)
{
	int error = 0;

	error |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				  SOCKET_OF(AF_INET, SOCK_DGRAM));
	error |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				  SOCKET_OF(AF_INET6, SOCK_DGRAM));
	return error;
}

static bool has_right(const struct sandbox_plan *plan, enum sandbox_right right)
{
	for (size_t i = 0; i < plan->place_count; i++)
		if (plan->places[i].rights & (int)right)
			return true;
	return false;
}

/* What goes beyond reading, where the plan has a place for it: all we have without Landlock. */
static int allow_files(scmp_filter_ctx filter, const struct sandbox_plan *plan)
{
	int error = 0;

	if (has_right(plan, SANDBOX_REMOVE))
		error |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 0);
	if (has_right(plan, SANDBOX_APPEND))
		error |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 0);
	else
		error |= seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
			SCMP_A2_32(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
	return error;
}

static int load_filter(scmp_filter_ctx filter, const struct sandbox_plan *plan)
{
	int error = 0;

	/* Another architecture's numbers must not be a way around. */
	error |= seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A binary tree, for kernels that run the filter each time; an older library has none. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		error |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	error |= allow_narrow_calls(filter);
	error |= allow_files(filter, plan);
	if (plan->resolves)
		error |= allow_resolving(filter);
	/* The errors of all: one is as bad as another. */
	return error ? -EINVAL : seccomp_load(filter);
}

static int enter_seccomp(const struct sandbox_plan *plan)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (!filter)
		return -ENOMEM;
	error = load_filter(filter, plan);
	seccomp_release(filter);
	return error;
}

#ifdef SANDBOX_OFF
static const bool is_off = true;
#else
static const bool is_off = false;
#endif

void sandbox_enter(const struct sandbox_plan *plan, struct sandbox *sandbox)
{
	int abi;

	*sandbox = (struct sandbox){.seccomp_error = -ENOTSUP, .landlock_error = -ENOTSUP};
	/* Sanitizers and the like live in the process they look at, and do more than it does. */
	if (is_off)
		return;
	/* Read now: syslog(3) needs the local time. */
	tzset();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		sandbox->seccomp_error = sandbox->landlock_error = -errno;
		return;
	}
	abi = enter_landlock(plan);
	sandbox->landlock_abi = abi > 0 ? abi : 0;
	sandbox->landlock_error = abi > 0 ? 0 : abi;
	sandbox->seccomp_error = enter_seccomp(plan);
}
