#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/document.h"

enum { PATH_SIZE = 200, NOBODY = 65534, DEADLINE_S = 20 };

/* "root" is the directory of the documents, "www" a link to it; beside them lies what is secret. */
struct place {
	char directory[PATH_SIZE];
	char root[PATH_SIZE];
	char www[PATH_SIZE];
	struct document_root opened;
};

static const char *const directories[] = {"root",	 "root/dir",  "root/d.php",
					  "root/closed", "root/swap", "outside"};
static const char *const files[][2] = {
	{"root/f.txt", "abcdefghij"}, {"root/empty", ""},	   {"root/dir/g.txt", "g"},
	{"root/t.php", "t"},	      {"root/dir/t.php", "t"},	   {"root/closed/t.php", "t"},
	{"root/unreadable", "u"},     {"root/swap/f.txt", "good"}, {"outside/f.txt", "secret"},
};
static const char *const links[][2] = {
	{"root/in", "f.txt"},
	{"root/dir/up", "../f.txt"},
	{"root/ind", "dir"},
	{"root/out", "../outside/f.txt"},
	{"root/etc", "/etc/passwd"},
	{"root/outd", "../outside"},
	{"root/dangling", "none"},
	{"root/loop", "loop"},
	{"root/back", "../root/f.txt"},
	{"root/proc", "/proc/self/exe"},
	{"root/swapped", "../outside"},
	{"www", "root"},
};

/* In static memory until the next call. */
static const char *path_in(const struct place *place, const char *name)
{
	static char path[2 * PATH_SIZE];

	(void)text_format(path, sizeof(path), "%s/%s", place->directory, name);
	return path;
}

static int make_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t len = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return len < 0 ? -1 : 0;
}

static int make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	(void)text_format(address.sun_path, sizeof(address.sun_path), "%s", path);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return error;
}

static int make_tree(const struct place *place)
{
	char inside[2 * PATH_SIZE];
	int error = chmod(place->directory, 0755);

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		error |= mkdir(path_in(place, directories[i]), 0755);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		error |= make_file(path_in(place, files[i][0]), files[i][1]);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		error |= symlink(links[i][1], path_in(place, links[i][0]));
	(void)text_format(inside, sizeof(inside), "%s/f.txt", place->root);
	error |= symlink(inside, path_in(place, "root/abs"));
	error |= make_socket(path_in(place, "root/socket"));
	error |= mkfifo(path_in(place, "root/fifo"), 0644);
	error |= chmod(path_in(place, "root/unreadable"), 0);
	return error | chmod(path_in(place, "root/closed"), 0);
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	/* A fifo that is waited for must not hang the tests. */
	alarm(3 * DEADLINE_S);
	(void)text_format(place->directory, PATH_SIZE, "/tmp/test_document.XXXXXX");
	if (!mkdtemp(place->directory))
		return -1;
	(void)text_format(place->root, PATH_SIZE, "%.100s/root", place->directory);
	(void)text_format(place->www, PATH_SIZE, "%.100s/www", place->directory);
	*state = place;
	return make_tree(place) < 0 ? -1 : document_root_open(&place->opened, place->root);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	struct place *place = *state;

	alarm(0);
	document_root_close(&place->opened);
	(void)chmod(path_in(place, "root/closed"), 0755);
	(void)nftw(place->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

/* In a child, what a process cannot take back: how many of its checks failed. */
static int in_child(int (*run)(struct place *place), struct place *place)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(run(place));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* From now on openat2(2) fails as it does in an old kernel or in an old container. */
static int forbid_openat2(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -1;
	return syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno == error ? 0 : -1;
}

/* 1 where the check failed, with what. */
static int expect(const char *what, enum document_result result, enum document_result expected)
{
	if (result == expected)
		return 0;
	fprintf(stderr, "%s %s, expected: %s\n", what, document_result_text(result),
		document_result_text(expected));
	return 1;
}

struct row {
	const char *path;
	enum document_result result;
	enum document_result stepwise; /* without openat2(2) */
	const char *text;
};

static const struct row rows[] = {
	{"f.txt", DOCUMENT_FOUND, DOCUMENT_FOUND, "abcdefghij"},
	{"/f.txt", DOCUMENT_FOUND, DOCUMENT_FOUND, "abcdefghij"},
	{"//f.txt", DOCUMENT_FOUND, DOCUMENT_FOUND, "abcdefghij"},
	{"dir//g.txt", DOCUMENT_FOUND, DOCUMENT_FOUND, "g"},
	{"dir/./g.txt", DOCUMENT_FOUND, DOCUMENT_FOUND, "g"},
	{"empty", DOCUMENT_FOUND, DOCUMENT_FOUND, ""},
	{"in", DOCUMENT_FOUND, DOCUMENT_OUTSIDE, "abcdefghij"},
	{"dir/up", DOCUMENT_FOUND, DOCUMENT_OUTSIDE, "abcdefghij"},
	{"ind/g.txt", DOCUMENT_FOUND, DOCUMENT_ABSENT, "g"},
	{"dir/../f.txt", DOCUMENT_FOUND, DOCUMENT_OUTSIDE, "abcdefghij"},
	{"none", DOCUMENT_ABSENT, DOCUMENT_ABSENT, NULL},
	{"none/f.txt", DOCUMENT_ABSENT, DOCUMENT_ABSENT, NULL},
	{"f.txt/", DOCUMENT_ABSENT, DOCUMENT_ABSENT, NULL},
	{"f.txt/x", DOCUMENT_ABSENT, DOCUMENT_ABSENT, NULL},
	{"dangling", DOCUMENT_ABSENT, DOCUMENT_OUTSIDE, NULL},
	{"", DOCUMENT_DIRECTORY, DOCUMENT_DIRECTORY, NULL},
	{"/", DOCUMENT_DIRECTORY, DOCUMENT_DIRECTORY, NULL},
	{"dir", DOCUMENT_DIRECTORY, DOCUMENT_DIRECTORY, NULL},
	{"dir/", DOCUMENT_DIRECTORY, DOCUMENT_DIRECTORY, NULL},
	{"fifo", DOCUMENT_NOT_REGULAR, DOCUMENT_NOT_REGULAR, NULL},
	{"socket", DOCUMENT_NOT_REGULAR, DOCUMENT_NOT_REGULAR, NULL},
	{"out", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"etc", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"outd/f.txt", DOCUMENT_OUTSIDE, DOCUMENT_ABSENT, NULL},
	{"abs", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"back", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"loop", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"proc", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"..", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"../outside/f.txt", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
	{"dir/../../outside/f.txt", DOCUMENT_OUTSIDE, DOCUMENT_OUTSIDE, NULL},
};

/* 1 where a document has not the text, the size and the flags of one. */
static int check_document(const struct document *document, const char *text)
{
	char read_text[PATH_SIZE] = "";
	time_t age_s = time(NULL) - document->modified;
	ssize_t len = read(document->fd, read_text, sizeof(read_text) - 1);

	if (len >= 0 && strcmp(read_text, text) == 0 && document->size == strlen(text) &&
	    document->error == 0 && age_s >= -1 && age_s <= 3600 &&
	    fcntl(document->fd, F_GETFD) == FD_CLOEXEC)
		return 0;
	fprintf(stderr, "not the document with \"%s\"\n", text);
	return 1;
}

static int check_row(const struct document_root *root, const struct row *row,
		     enum document_result expected)
{
	struct document document;
	enum document_result result = document_open(&document, root, row->path);
	int failed = expect(row->path, result, expected);

	if (result != DOCUMENT_FOUND)
		return failed + (document.fd != -1);
	failed += check_document(&document, row->text);
	close(document.fd);
	return failed;
}

/* The lowest that is free: the same as before where none was left open. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static int check_rows(const struct place *place, bool is_stepwise)
{
	int fd = next_fd();
	int failed = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		failed += check_row(&place->opened, &rows[i],
				    is_stepwise ? rows[i].stepwise : rows[i].result);
	return failed + (next_fd() != fd);
}

static void test_documents(void **state)
{
	assert_int_equal(check_rows(*state, false), 0);
}

static int documents_of_old_kernel(struct place *place)
{
	return forbid_openat2(ENOSYS) < 0 ? 77 : check_rows(place, true);
}

static int documents_of_old_container(struct place *place)
{
	return forbid_openat2(EPERM) < 0 ? 77 : check_rows(place, true);
}

static void test_documents_without_openat2(void **state)
{
	int failed = in_child(documents_of_old_kernel, *state);

	if (failed == 77)
		skip();
	assert_int_equal(failed, 0);
	assert_int_equal(in_child(documents_of_old_container, *state), 0);
}

/* "/" is no limit: links lead anywhere. But not to what a process has open. */
static void test_without_limit(void **state)
{
	static const struct {
		const char *name;
		enum document_result result;
	} all[] = {
		{"root/f.txt", DOCUMENT_FOUND},	  {"www/f.txt", DOCUMENT_FOUND},
		{"root/abs", DOCUMENT_FOUND},	  {"root/out", DOCUMENT_FOUND},
		{"root/back", DOCUMENT_FOUND},	  {"root/etc", DOCUMENT_FOUND},
		{"root/proc", DOCUMENT_OUTSIDE},  {"root/loop", DOCUMENT_OUTSIDE},
		{"root/none", DOCUMENT_ABSENT},	  {"../../dev/null", DOCUMENT_NOT_REGULAR},
		{"root/dir", DOCUMENT_DIRECTORY},
	};
	struct document_root root;
	struct document document;

	assert_int_equal(document_root_open(&root, "//"), 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *path = path_in(*state, all[i].name);
		enum document_result result = document_open(&document, &root, path);

		assert_int_equal(expect(path, result, all[i].result), 0);
		if (result == DOCUMENT_FOUND)
			close(document.fd);
	}
	document_root_close(&root);
	assert_int_equal(root.fd, -1);
}

static void test_root_that_is_none(void **state)
{
	struct document_root root;

	assert_int_equal(document_root_open(&root, path_in(*state, "none")), -ENOENT);
	assert_int_equal(root.fd, -1);
	assert_int_equal(document_root_open(&root, path_in(*state, "root/f.txt")), -ENOTDIR);
	document_root_close(&root);
}

/* By a link to it, and wherever it goes. */
static void test_root_stays_the_same(void **state)
{
	struct place *place = *state;
	struct document_root root;
	char moved[PATH_SIZE];

	assert_int_equal(document_root_open(&root, place->www), 0);
	(void)text_format(moved, sizeof(moved), "%.100s/moved", place->directory);
	assert_int_equal(rename(place->root, moved), 0);
	assert_int_equal(check_row(&root, &rows[0], DOCUMENT_FOUND), 0);
	assert_int_equal(rename(moved, place->root), 0);
	document_root_close(&root);
}

/* Beyond what 32 bits can say. */
static void test_size_of_a_large_file(void **state)
{
	struct place *place = *state;
	const uint64_t size = UINT64_C(5) * 1024 * 1024 * 1024;
	struct document document;

	assert_int_equal(make_file(path_in(place, "root/large"), ""), 0);
	assert_int_equal(truncate(path_in(place, "root/large"), (off_t)size), 0);
	assert_int_equal(document_open(&document, &place->opened, "large"), DOCUMENT_FOUND);
	assert_true(document.size == size);
	close(document.fd);
}

static int as_nobody(struct place *place)
{
	size_t len;
	int failed = 0;
	struct document document;

	if (geteuid() == 0 &&
	    (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return 77;
	failed += expect("unreadable", document_open(&document, &place->opened, "unreadable"),
			 DOCUMENT_DENIED);
	failed += document.error != EACCES;
	failed += expect("closed", document_open(&document, &place->opened, "closed/t.php"),
			 DOCUMENT_DENIED);
	failed += expect("/unreadable",
			 document_check(place->root, strlen(place->root), "/unreadable", 11, &len),
			 DOCUMENT_DENIED);
	failed += expect(
		"/closed/t.php/x",
		document_check(place->root, strlen(place->root), "/closed/t.php/x", 15, &len),
		DOCUMENT_DENIED);
	return failed + (len != 15);
}

static void test_unreadable(void **state)
{
	int failed = in_child(as_nobody, *state);

	if (failed == 77)
		skip();
	assert_int_equal(failed, 0);
}

static int out_of_descriptors(struct place *place)
{
	struct rlimit limit = {(rlim_t)next_fd(), (rlim_t)next_fd()};
	struct document document;
	int failed = 0;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	failed +=
		expect("f.txt", document_open(&document, &place->opened, "f.txt"), DOCUMENT_FAILED);
	return failed + (document.error != EMFILE);
}

static void test_out_of_descriptors(void **state)
{
	assert_int_equal(in_child(out_of_descriptors, *state), 0);
}

/* A directory and a link that leads out change places all the time. */
static pid_t start_swapping(struct place *place)
{
	char directory[2 * PATH_SIZE];
	pid_t pid;

	(void)text_format(directory, sizeof(directory), "%s/swap", place->root);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (syscall(SYS_renameat2, AT_FDCWD, directory, AT_FDCWD, path_in(place, "root/swapped"),
		       RENAME_EXCHANGE) == 0)
		;
	_exit(1);
}

/* Opens until both were seen, and often. 1: what lies outside was read. */
static int race(struct place *place)
{
	static const char *const paths[] = {"swap/f.txt", "dir/../swap/f.txt"};
	time_t deadline_s = time(NULL) + DEADLINE_S;
	int good = 0, refused = 0;

	for (int i = 0; (i < 20000 || good == 0 || refused == 0) && time(NULL) < deadline_s; i++) {
		struct document document;
		enum document_result result =
			document_open(&document, &place->opened, paths[i % 2]);

		refused += result == DOCUMENT_OUTSIDE || result == DOCUMENT_ABSENT;
		if (result != DOCUMENT_FOUND)
			continue;
		good++;
		if (check_document(&document, "good"))
			return 1;
		close(document.fd);
	}
	return good == 0 || refused == 0;
}

static int race_without_openat2(struct place *place)
{
	return forbid_openat2(ENOSYS) < 0 ? 77 : race(place);
}

static void check_race(struct place *place, int (*run)(struct place *place))
{
	pid_t pid = start_swapping(place);
	int failed = in_child(run, place);
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (failed == 77)
		skip();
	assert_int_equal(failed, 0);
}

static void test_race(void **state)
{
	check_race(*state, race);
}

static void test_race_without_openat2(void **state)
{
	check_race(*state, race_without_openat2);
}

struct script_row {
	const char *path;
	enum document_result result;
	size_t script_len; /* where found */
	enum document_result stepwise;
};

static const struct script_row scripts[] = {
	{"/t.php", DOCUMENT_FOUND, 6, DOCUMENT_FOUND},
	{"//t.php", DOCUMENT_FOUND, 7, DOCUMENT_FOUND},
	{"/t.php/info", DOCUMENT_FOUND, 6, DOCUMENT_FOUND},
	{"/t.php/", DOCUMENT_FOUND, 6, DOCUMENT_FOUND},
	{"/t.php//x", DOCUMENT_FOUND, 6, DOCUMENT_FOUND},
	{"/t.php/a/b/c", DOCUMENT_FOUND, 6, DOCUMENT_FOUND},
	{"/t.php/.php", DOCUMENT_FOUND, 6, DOCUMENT_FOUND},
	{"/t.php/...", DOCUMENT_FOUND, 6, DOCUMENT_FOUND},
	{"/dir/t.php", DOCUMENT_FOUND, 10, DOCUMENT_FOUND},
	{"/dir//t.php/x", DOCUMENT_FOUND, 11, DOCUMENT_FOUND},
	{"/in", DOCUMENT_FOUND, 3, DOCUMENT_OUTSIDE},
	{"/in/x", DOCUMENT_FOUND, 3, DOCUMENT_OUTSIDE},
	{"/ind/t.php", DOCUMENT_FOUND, 10, DOCUMENT_OUTSIDE},
	{"/ind/t.php/x/y", DOCUMENT_FOUND, 10, DOCUMENT_OUTSIDE},
	{"/none.php", DOCUMENT_ABSENT, 0, DOCUMENT_ABSENT},
	{"/none.php/x", DOCUMENT_ABSENT, 0, DOCUMENT_ABSENT},
	{"/d.php/x", DOCUMENT_ABSENT, 0, DOCUMENT_ABSENT},
	{"/dangling", DOCUMENT_ABSENT, 0, DOCUMENT_OUTSIDE},
	{"/", DOCUMENT_DIRECTORY, 0, DOCUMENT_DIRECTORY},
	{"/d.php", DOCUMENT_DIRECTORY, 0, DOCUMENT_DIRECTORY},
	{"/d.php/", DOCUMENT_DIRECTORY, 0, DOCUMENT_DIRECTORY},
	{"/fifo", DOCUMENT_NOT_REGULAR, 0, DOCUMENT_NOT_REGULAR},
	{"/fifo/x", DOCUMENT_NOT_REGULAR, 0, DOCUMENT_NOT_REGULAR},
	{"/socket/x", DOCUMENT_NOT_REGULAR, 0, DOCUMENT_NOT_REGULAR},
	{"/out", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/out/x", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/outd/f.txt", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/etc", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/abs/x", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/loop", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/dir/../t.php", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/../outside/f.txt", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/..", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/t.php/..", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/./t.php", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"/t.php/.", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"t.php", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
	{"", DOCUMENT_OUTSIDE, 0, DOCUMENT_OUTSIDE},
};

static int check_script(const char *root, const struct script_row *row,
			enum document_result expected)
{
	size_t len = strlen(row->path), script_len = 999;
	enum document_result result =
		document_check(root, strlen(root), row->path, len, &script_len);
	size_t expected_len = result == DOCUMENT_FOUND ? row->script_len : len;

	if (script_len != expected_len)
		fprintf(stderr, "%s: %zu of it are the script\n", row->path, script_len);
	return expect(row->path, result, expected) + (script_len != expected_len);
}

static int check_scripts(const char *root, bool is_stepwise)
{
	int fd = next_fd();
	int failed = 0;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		failed += check_script(root, &scripts[i],
				       is_stepwise ? scripts[i].stepwise : scripts[i].result);
	return failed + (next_fd() != fd);
}

static void test_scripts(void **state)
{
	assert_int_equal(check_scripts(((struct place *)*state)->root, false), 0);
	assert_int_equal(check_scripts(path_in(*state, "root//"), false), 0);
}

/* A release that is switched by a link is not outside of itself. */
static void test_scripts_below_a_link(void **state)
{
	assert_int_equal(check_scripts(((struct place *)*state)->www, false), 0);
}

static int scripts_of_old_kernel(struct place *place)
{
	return forbid_openat2(ENOSYS) < 0 ? 77 : check_scripts(place->www, true);
}

static void test_scripts_without_openat2(void **state)
{
	int failed = in_child(scripts_of_old_kernel, *state);

	if (failed == 77)
		skip();
	assert_int_equal(failed, 0);
}

static void test_script_below_the_whole(void **state)
{
	char path[2 * PATH_SIZE];
	size_t len, base;

	(void)text_format(path, sizeof(path), "%s/t.php/x", ((struct place *)*state)->www);
	base = strlen(path) - 2;
	assert_int_equal(document_check("/", 1, path, base + 2, &len), DOCUMENT_FOUND);
	assert_int_equal(len, base);
	assert_int_equal(document_check("", 0, path, base, &len), DOCUMENT_OUTSIDE);
	assert_int_equal(document_check(path + 1, 3, "/t.php", 6, &len), DOCUMENT_OUTSIDE);
}

static void test_script_with_nul(void **state)
{
	struct place *place = *state;
	size_t len, root_len = strlen(place->root);

	assert_int_equal(document_check(place->root, root_len, "/t.php\0.png", 11, &len),
			 DOCUMENT_OUTSIDE);
	assert_int_equal(document_check(place->root, root_len + 1, "/t.php", 6, &len),
			 DOCUMENT_OUTSIDE);
	assert_int_equal(document_check(place->root, root_len, "/t.phpx", 6, &len), DOCUMENT_FOUND);
}

/* Longer than any path, in long names and in short; and a root that alone is too long. */
static void test_long_paths(void **state)
{
	enum { LONG_LEN = 3 * 4096 };
	static const char *const rests[] = {"/", "/a", "n", "/nnnnnnnnnnnnn"};
	struct place *place = *state;
	size_t root_len = strlen(place->root), len;
	char path[LONG_LEN];

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		memcpy(path, "/t.php/", 7);
		for (size_t at = 7; at < LONG_LEN; at++)
			path[at] = rests[i][at % strlen(rests[i])];
		assert_int_equal(document_check(place->root, root_len, path, LONG_LEN, &len),
				 DOCUMENT_FOUND);
		assert_int_equal(len, 6);
		path[1] = 'x';
		assert_int_equal(document_check(place->root, root_len, path, LONG_LEN, &len),
				 DOCUMENT_ABSENT);
		assert_int_equal(len, LONG_LEN);
	}
	memset(path + 1, 'n', sizeof(path) - 1);
	assert_int_equal(document_check(place->root, root_len, path, LONG_LEN, &len),
			 DOCUMENT_ABSENT);
	assert_int_equal(document_check(path, LONG_LEN, "/t.php", 6, &len), DOCUMENT_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_documents_without_openat2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_root_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_root_stays_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size_of_a_large_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race_without_openat2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scripts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scripts_below_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scripts_without_openat2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_script_below_the_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_script_with_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_paths, setup, teardown),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
