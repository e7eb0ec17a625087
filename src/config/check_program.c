#include "config/check_program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/check_accounts.h"
#include "config/elf.h"
#include "config/libraries.h"
#include "config/quoting.h"
#include "config/walk.h"

/* The kernel reads so much of a first line, and follows so many interpreters: execve(2). */
enum { FIRST_LINE_MAX = 256, INTERPRETERS_MAX = 5 };

struct check {
	const struct backend_settings *backend;
	struct complaints *complaints;
	struct walker walker; /* whom it will run as */
	bool is_command;
};

/* A file that has to be executed: the program, or one that is needed for another. */
struct file {
	const char *path;
	const char *role; /* "the loader"; NULL: the program itself */
	const char *of;
	unsigned depth;
};

static char *fault_of(const struct check *check, const struct file *file);

static char *user_text(const struct check *check)
{
	return account_user_text(check->walker.uid);
}

/* What a sentence about it begins with: path, root, and what it is for. malloced. */
static char *subject_of(const struct check *check, const struct file *file)
{
	const char *root = check->backend->chroot;
	char *place =
		sentence_new("bin-path: %s%s%s", file->path, root ? " in " : "", root ? root : "");
	char *subject =
		file->role ? sentence_new("%s, %s of %s", place, file->role, file->of) : place;

	if (subject != place)
		free(place);
	return subject;
}

/* Takes the text behind the subject. */
static char *fault_new(const struct check *check, const struct file *file, char *text)
{
	char *subject = subject_of(check, file);
	char *fault = sentence_new("%s%s", subject, text);

	free(subject);
	free(text);
	return fault;
}

/* Why the program's user may not do this there. */
static char *denial_new(const struct check *check, const struct walk *walk, int wanted)
{
	char *user = user_text(check);
	char *reason = account_denial_text(walk, &check->walker, wanted);
	char *text = sentence_new(": %s may not %s it: %s", user,
				  wanted == R_OK ? "read" : "execute", reason);

	free(user);
	free(reason);
	return text;
}

/* The last name of a path may be there but lead to nothing, or one before it be missing. */
static char *absence_new(const struct walk *walk, const char *path)
{
	const char *inside = walk_inside(walk);

	if (walk->error == ENOENT && strcmp(inside, path) != 0)
		return sentence_new(": %s: there is no %s", strerror(walk->error), inside);
	return sentence_new(": %s", strerror(walk->error));
}

/* The first word behind "#!", malloced; NULL: there is none that could be shown. */
static char *interpreter_of(const char *line)
{
	const char *word = line + 2 + strspn(line + 2, " \t");
	size_t len = strcspn(word, " \t\n");

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)word[i] < ' ' && word[i] != '\r')
			return NULL;
	return len > 0 ? sentence_new("%.*s", (int)len, word) : NULL;
}

static char *script_fault(const struct check *check, const struct file *file, const char *line,
			  const struct walk *walk)
{
	char *interpreter = interpreter_of(line), *fault = NULL;
	size_t len = interpreter ? strlen(interpreter) : 0;

	if (!walk_allows(walk, &check->walker, R_OK)) {
		fault = fault_new(check, file, denial_new(check, walk, R_OK));
	} else if (len > 0 && interpreter[len - 1] == '\r') {
		fault = fault_new(check, file,
				  sentence_new(": its lines end with CR LF, and the CR counts as a "
					       "part of its interpreter's name: make it LF"));
	} else if (len > 0 && interpreter[0] == '/') {
		const struct file next = {interpreter, "the interpreter", file->path,
					  file->depth + 1};

		fault = fault_of(check, &next);
	}
	free(interpreter);
	return fault;
}

/* Where it cannot be known, it is a warning. */
static void check_libraries(const struct check *check, const struct file *file,
			    const struct elf *elf)
{
	struct libraries libraries;
	char *names, *sentence;

	libraries_find(&libraries, check->backend, file->path, elf);
	names = libraries_missing(&libraries);
	if (!names)
		goto done;
	sentence = sentence_new("chroot: %s needs %s, which %s not in %s: copy what ldd(1) shows",
				file->path, names, libraries.is_sure ? "are" : "may be",
				check->backend->chroot);
	if (libraries.is_sure && !check->is_command)
		complaints_add_of(check->complaints, check->backend, "chroot", sentence);
	else
		complaints_add_warning_of(check->complaints, check->backend, "chroot", sentence);
	free(names);
done:
	libraries_fini(&libraries);
}

static char *elf_fault(const struct check *check, const struct file *file, const struct elf *elf)
{
	const struct file loader = {elf->loader, "the loader", file->path, file->depth + 1};
	char *fault = elf->loader ? fault_of(check, &loader) : NULL;

	if (!fault && elf->loader && check->backend->chroot)
		check_libraries(check, file, elf);
	return fault;
}

/* Other formats are for those who have told the kernel of them. */
static char *format_fault(const struct check *check, const struct file *file)
{
	if (access("/proc/sys/fs/binfmt_misc/status", F_OK) == 0)
		return NULL;
	return fault_new(check, file,
			 sentence_new(" is neither a program of this machine nor a script, which "
				      "begins with #! and its interpreter"));
}

/* What is in it. What we cannot read ourselves is taken to be good. */
static char *contents_fault(const struct check *check, const struct file *file,
			    const struct walk *walk)
{
	int fd = open(walk->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len;
	char line[FIRST_LINE_MAX + 1], *fault = NULL;
	struct elf elf;
	int error;

	if (fd < 0)
		return NULL;
	error = elf_read(&elf, fd);
	len = pread(fd, line, FIRST_LINE_MAX, 0);
	close(fd);
	line[len > 0 ? len : 0] = '\0';
	if (error == 0)
		fault = elf_fault(check, file, &elf);
	else if (strncmp(line, "#!", 2) == 0)
		fault = script_fault(check, file, line, walk);
	else if (error == -ENOEXEC && len >= 0 && strncmp(line, ELFMAG, SELFMAG) != 0)
		fault = format_fault(check, file);
	elf_fini(&elf);
	return fault;
}

/* NULL, or a sentence why it cannot be executed. */
static char *fault_of(const struct check *check, const struct file *file)
{
	struct walk walk;
	enum walk_end end = walk_to(&walk, check->backend->chroot, file->path, &check->walker);

	if (file->depth > INTERPRETERS_MAX)
		return fault_new(check, file, sentence_new(": %s", strerror(ELOOP)));
	if (end == WALK_ABSENT)
		return fault_new(check, file, absence_new(&walk, file->path));
	if (end == WALK_BARRED)
		return fault_new(check, file, denial_new(check, &walk, X_OK));
	if (!S_ISREG(walk.status.st_mode))
		return fault_new(check, file, sentence_new(" is not a program"));
	if (!(walk.status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return fault_new(check, file, sentence_new(" is not executable: chmod +x"));
	if (!walk_allows(&walk, &check->walker, X_OK))
		return fault_new(check, file, denial_new(check, &walk, X_OK));
	return contents_fault(check, file, &walk);
}

/* The program's path as exec will see it: the directory was entered before. malloced. */
static char *program_path(const struct backend_settings *backend)
{
	const char *path = backend->bin_path.items[0];

	if (path[0] == '/' || !backend->directory)
		return sentence_new("%s", path);
	return sentence_new("%s/%s", backend->directory, path);
}

static void check_file(const struct check *check)
{
	char *path = program_path(check->backend), *fault;
	const struct file file = {.path = path};

	if (path[0] != '/' && !check->is_command)
		fault = sentence_new("bin-path: give the whole path of the program: %s", path);
	else
		fault = fault_of(check, &file);
	free(path);
	if (fault && check->is_command)
		complaints_add_warning_of(check->complaints, check->backend, "bin-path", fault);
	else if (fault)
		complaints_add_of(check->complaints, check->backend, "bin-path", fault);
}

/* walker NULL: it is we who enter it. */
static char *directory_fault(const struct check *check, const char *root, const char *path,
			     const struct walker *walker)
{
	struct walk walk;
	enum walk_end end = walk_to(&walk, root, path, walker);
	char *user, *reason, *fault;

	if (end == WALK_ABSENT)
		return sentence_new("%s%s%s: %s", path, root ? " in " : "", root ? root : "",
				    strerror(walk.error));
	if (end == WALK_THERE && !S_ISDIR(walk.status.st_mode))
		return sentence_new("%s is not a directory", path);
	if (path[0] != '/' && !check->is_command)
		return sentence_new("the path must begin with \"/\"");
	if (end == WALK_THERE && (!walker || walk_allows(&walk, walker, X_OK)))
		return NULL;
	user = user_text(check);
	reason = account_denial_text(&walk, walker, X_OK);
	fault = sentence_new("%s cannot enter %s: %s", user, path, reason);
	free(user);
	free(reason);
	return fault;
}

/* False: complained. */
static bool check_directory(const struct check *check, const char *key, const char *path,
			    const struct walker *walker)
{
	const char *root = walker ? check->backend->chroot : NULL;
	char *fault = path ? directory_fault(check, root, path, walker) : NULL;

	if (fault)
		complaints_add_of(check->complaints, check->backend, key,
				  sentence_new("%s: %s", key, fault));
	free(fault);
	return !fault;
}

void check_program(const struct backend_settings *backend, bool is_command,
		   struct complaints *complaints)
{
	struct check check = {
		.backend = backend, .complaints = complaints, .is_command = is_command};

	if (!backend_is_supervised(backend))
		return;
	account_walker(&check.walker, backend);
	/* One thing at a time: what is inside can only be seen there. */
	if (check_directory(&check, "chroot", backend->chroot, NULL) &&
	    check_directory(&check, "directory", backend->directory, &check.walker))
		check_file(&check);
	walker_fini(&check.walker);
}
