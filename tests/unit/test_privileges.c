#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "os/privileges.h"

/*
 * What is dropped does not come back, so each case runs in a process of its own: a function that
 * returns 0, or the line of the check that failed.
 */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s (errno: %s)\n", __FILE__, __LINE__,     \
				#condition, strerror(errno));                                      \
			return __LINE__;                                                           \
		}                                                                                  \
	} while (0)

enum { SOME_UID = 54321, SOME_GID = 54322 };

#define BIT(capability) (1ULL << (capability))
#define NO_CAPABILITY 0ULL

static const gid_t some_groups[] = {54322, 54323, 54324};
static int proc = -1; /* kept, as a chroot has none */
static char empty[] = "/tmp/test_privileges.XXXXXX";

static void assert_in_process(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body() == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* The value of a line "name:\tvalue" of our status, in a buffer of its own; "" if none. */
static const char *status_of(const char *name)
{
	static char text[8192];
	int fd = openat(proc, "thread-self/status", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	char *line = text, *end;

	close(fd);
	text[len > 0 ? len : 0] = '\0';
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			return line + strlen(name) + 2;
	}
	return "";
}

static bool status_is(const char *name, const char *value)
{
	const char *found = status_of(name);

	if (strcmp(found, value) == 0)
		return true;
	fprintf(stderr, "%s is \"%s\", not \"%s\"\n", name, found, value);
	return false;
}

static bool capabilities_are(const char *name, uint64_t set)
{
	char text[32];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)set);
	return status_is(name, text);
}

static int check_nothing_left(void)
{
	CHECK(capabilities_are("CapInh", NO_CAPABILITY));
	CHECK(capabilities_are("CapPrm", NO_CAPABILITY));
	CHECK(capabilities_are("CapEff", NO_CAPABILITY));
	CHECK(capabilities_are("CapAmb", NO_CAPABILITY));
	CHECK(status_is("NoNewPrivs", "1"));
	return 0;
}

static int check_some_user(void)
{
	CHECK(status_is("Uid", "54321\t54321\t54321\t54321"));
	CHECK(status_is("Gid", "54322\t54322\t54322\t54322"));
	CHECK(status_is("Groups", "54322 54323 54324 "));
	CHECK(capabilities_are("CapBnd", NO_CAPABILITY));
	CHECK(setuid(0) < 0 && errno == EPERM);
	CHECK(setgid(0) < 0 && errno == EPERM);
	return check_nothing_left();
}

static struct privileges_plan plan_some_user(void)
{
	return (struct privileges_plan){
		.change = true,
		.uid = SOME_UID,
		.gid = SOME_GID,
		.groups = some_groups,
		.group_count = 3,
	};
}

static int become_some_user(void)
{
	struct privileges_plan plan = plan_some_user();

	CHECK(privileges_drop(&plan) == PRIVILEGES_DONE);
	return check_some_user();
}

static void test_becomes_a_user_without_capabilities(void **state)
{
	(void)state;
	need_root();
	assert_in_process(become_some_user);
}

static int enter_empty_chroot(void)
{
	struct privileges_plan plan = plan_some_user();
	char directory[64];

	plan.chroot = empty;
	CHECK(privileges_drop(&plan) == PRIVILEGES_DONE);
	CHECK(access("/proc", F_OK) < 0 && errno == ENOENT);
	CHECK(getcwd(directory, sizeof(directory)) && strcmp(directory, "/") == 0);
	return check_some_user();
}

static void test_works_in_an_empty_chroot(void **state)
{
	(void)state;
	need_root();
	assert_in_process(enter_empty_chroot);
}

static int raise_ambient(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	CHECK(syscall(SYS_capget, &header, sets) == 0);
	sets[0].inheritable = (uint32_t)(BIT(CAP_KILL) | BIT(CAP_CHOWN));
	CHECK(syscall(SYS_capset, &header, sets) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0);
	CHECK(capabilities_are("CapAmb", BIT(CAP_KILL)));
	return 0;
}

static int drop_ambient(void)
{
	int line = raise_ambient();

	return line ? line : become_some_user();
}

static void test_clears_the_inheritable_and_ambient_sets(void **state)
{
	(void)state;
	need_root();
	assert_in_process(drop_ambient);
}

static int become_root(void)
{
	struct privileges_plan plan = plan_some_user();

	plan.uid = 0;
	CHECK(privileges_drop(&plan) == PRIVILEGES_IDS && errno == EPERM);
	plan = plan_some_user();
	plan.gid = 0;
	CHECK(privileges_drop(&plan) == PRIVILEGES_IDS && errno == EPERM);
	return 0;
}

static void test_refuses_root_as_a_target(void **state)
{
	(void)state;
	need_root();
	assert_in_process(become_root);
}

static int enter_missing_chroot(void)
{
	struct privileges_plan plan = {.chroot = "/tmp/test_privileges.none"};

	CHECK(privileges_drop(&plan) == PRIVILEGES_CHROOT);
	CHECK(errno == ENOENT);
	return 0;
}

static void test_names_the_chroot_as_the_stage(void **state)
{
	(void)state;
	assert_in_process(enter_missing_chroot);
}

static int change_without_right(void)
{
	struct privileges_plan plan = plan_some_user();

	if (geteuid() == 0)
		CHECK(setresuid(SOME_UID, SOME_UID, SOME_UID) == 0);
	CHECK(privileges_drop(&plan) == PRIVILEGES_GROUPS && errno == EPERM);
	return 0;
}

static void test_fails_without_the_right_to_change(void **state)
{
	(void)state;
	assert_in_process(change_without_right);
}

static int stay(void)
{
	const struct privileges_plan plan = {.change = false};
	bool is_root = geteuid() == 0;

	CHECK(privileges_drop(&plan) == PRIVILEGES_DONE);
	CHECK(!is_root || capabilities_are("CapBnd", NO_CAPABILITY));
	return check_nothing_left();
}

static void test_drops_capabilities_of_whoever_stays(void **state)
{
	(void)state;
	assert_in_process(stay);
}

static int stay_as_other_than_root(void)
{
	const struct privileges_plan plan = {.change = false};

	if (geteuid() == 0)
		CHECK(setresuid(SOME_UID, SOME_UID, SOME_UID) == 0);
	CHECK(privileges_drop(&plan) == PRIVILEGES_DONE);
	return check_nothing_left();
}

static void test_drops_for_others_than_root(void **state)
{
	(void)state;
	assert_in_process(stay_as_other_than_root);
}

static int keep_root(void)
{
	const struct privileges_plan plan = {.keep_root = true};
	char effective[64], bounding[64];

	snprintf(effective, sizeof(effective), "%s", status_of("CapEff"));
	snprintf(bounding, sizeof(bounding), "%s", status_of("CapBnd"));
	CHECK(privileges_drop(&plan) == PRIVILEGES_DONE);
	CHECK(status_is("CapEff", effective));
	CHECK(status_is("CapBnd", bounding));
	CHECK(status_is("NoNewPrivs", "0"));
	CHECK(geteuid() == 0);
	return 0;
}

static void test_keeps_a_wanted_root(void **state)
{
	(void)state;
	need_root();
	assert_in_process(keep_root);
}

static int check_narrow(uint64_t more)
{
	uint64_t kept = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_KILL) |
			BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | more;

	CHECK(capabilities_are("CapPrm", kept));
	CHECK(capabilities_are("CapEff", kept));
	CHECK(capabilities_are("CapBnd", kept));
	CHECK(capabilities_are("CapInh", NO_CAPABILITY));
	CHECK(capabilities_are("CapAmb", NO_CAPABILITY));
	CHECK(status_is("NoNewPrivs", "0"));
	return 0;
}

static int narrow(void)
{
	int line;

	CHECK(raise_ambient() == 0);
	CHECK(privileges_narrow(true) == 0);
	line = check_narrow(BIT(CAP_SYS_CHROOT));
	if (line)
		return line;
	/* Again, with less; and what has gone does not come back, nor fail. */
	CHECK(privileges_narrow(false) == 0);
	line = check_narrow(0);
	if (line)
		return line;
	CHECK(privileges_narrow(true) == 0);
	return check_narrow(0);
}

static void test_narrows_a_supervisor(void **state)
{
	(void)state;
	need_root();
	assert_in_process(narrow);
}

static int drop_after_narrow(void)
{
	CHECK(privileges_narrow(true) == 0);
	return enter_empty_chroot();
}

static void test_drops_all_after_narrowing(void **state)
{
	(void)state;
	need_root();
	assert_in_process(drop_after_narrow);
}

static int narrow_other_than_root(void)
{
	if (geteuid() == 0)
		CHECK(setresuid(SOME_UID, SOME_UID, SOME_UID) == 0);
	CHECK(privileges_narrow(true) == 0);
	CHECK(capabilities_are("CapPrm", NO_CAPABILITY));
	CHECK(capabilities_are("CapEff", NO_CAPABILITY));
	return 0;
}

static void test_narrows_others_to_nothing(void **state)
{
	(void)state;
	assert_in_process(narrow_other_than_root);
}

/* A container may have taken CAP_SETPCAP: the bounding set stays, and no_new_privs has to do. */
static int drop_without_setpcap(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	struct privileges_plan plan = plan_some_user();

	CHECK(syscall(SYS_capget, &header, sets) == 0);
	sets[0].effective &= ~(uint32_t)BIT(CAP_SETPCAP);
	sets[0].permitted &= ~(uint32_t)BIT(CAP_SETPCAP);
	CHECK(syscall(SYS_capset, &header, sets) == 0);
	CHECK(privileges_narrow(true) == 0);
	CHECK(privileges_drop(&plan) == PRIVILEGES_DONE);
	return check_nothing_left();
}

static void test_does_without_setpcap(void **state)
{
	(void)state;
	need_root();
	assert_in_process(drop_without_setpcap);
}

static bool has_group(const gid_t *groups, size_t count, gid_t gid)
{
	for (size_t i = 0; i < count; i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

static void test_groups_hold_the_given_one(void **state)
{
	static const char *const users[] = {"root", "no-such-user"};

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		size_t count = 0;
		gid_t *groups = privileges_groups(users[i], SOME_GID, &count);

		assert_non_null(groups);
		assert_true(has_group(groups, count, SOME_GID));
		free(groups);
	}
}

static int borrow(void)
{
	CHECK(!privileges_are_borrowed());
	CHECK(setegid(SOME_GID) == 0);
	CHECK(privileges_are_borrowed());
	CHECK(setegid(0) == 0 && !privileges_are_borrowed());
	/* Only saved, and yet there to be taken. */
	CHECK(setresuid(SOME_UID, SOME_UID, 0) == 0);
	CHECK(privileges_are_borrowed());
	return 0;
}

static void test_sees_borrowed_ids(void **state)
{
	(void)state;
	assert_false(privileges_are_borrowed());
	need_root();
	assert_in_process(borrow);
}

static int set_up(void **state)
{
	(void)state;
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return proc >= 0 && mkdtemp(empty) && chmod(empty, 0755) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	close(proc);
	return rmdir(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_becomes_a_user_without_capabilities),
		cmocka_unit_test(test_works_in_an_empty_chroot),
		cmocka_unit_test(test_clears_the_inheritable_and_ambient_sets),
		cmocka_unit_test(test_refuses_root_as_a_target),
		cmocka_unit_test(test_names_the_chroot_as_the_stage),
		cmocka_unit_test(test_fails_without_the_right_to_change),
		cmocka_unit_test(test_drops_capabilities_of_whoever_stays),
		cmocka_unit_test(test_drops_for_others_than_root),
		cmocka_unit_test(test_keeps_a_wanted_root),
		cmocka_unit_test(test_narrows_a_supervisor),
		cmocka_unit_test(test_drops_all_after_narrowing),
		cmocka_unit_test(test_narrows_others_to_nothing),
		cmocka_unit_test(test_does_without_setpcap),
		cmocka_unit_test(test_groups_hold_the_given_one),
		cmocka_unit_test(test_sees_borrowed_ids),
	};

	return cmocka_run_group_tests_name("privileges", tests, set_up, tear_down);
}
