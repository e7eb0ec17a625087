#include "os/reexec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* Where the new program finds the text: the number of a descriptor. */
#define TEXT_VARIABLE "FCGI_HERD_TEXT"
#define TRIAL_VARIABLE "FCGI_HERD_TRIAL"

/* Of what a trial could not even begin with. */
enum { STATUS_NOT_TRIED = 126 };

static int write_text(const char *text)
{
	size_t len = strlen(text);
	int fd = memfd_create("fcgi-herd", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -EIO;
}

static int set_variable(const char *name, int value)
{
	char number[16];

	if (text_format(number, sizeof(number), "%d", value) < 0 || setenv(name, number, 1) < 0)
		return -ENOMEM;
	return 0;
}

static int set_kept(const struct reexec_plan *plan, int flags)
{
	for (size_t i = 0; i < plan->kept_count; i++)
		if (fcntl(plan->kept[i], F_SETFD, flags) < 0)
			return -errno;
	return 0;
}

static void block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, before);
}

static int execute(const struct reexec_plan *plan, int text)
{
	int error = set_variable(TEXT_VARIABLE, text);

	if (error == 0)
		error = set_kept(plan, 0);
	if (error == 0 && fcntl(text, F_SETFD, 0) < 0)
		error = -errno;
	if (error < 0)
		return error;
	execv(plan->program, plan->argv);
	return -errno;
}

int reexec_run(const struct reexec_plan *plan)
{
	int text = write_text(plan->text);
	sigset_t before;
	int error;

	if (text < 0)
		return text;
	block_signals(&before);
	error = execute(plan, text);
	(void)set_kept(plan, FD_CLOEXEC);
	unsetenv(TEXT_VARIABLE);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(text);
	return error;
}

static void be_trial(const struct reexec_plan *plan, int text, int err)
{
	if (dup2(err, STDERR_FILENO) >= 0 && dup2(err, STDOUT_FILENO) >= 0 &&
	    set_variable(TRIAL_VARIABLE, 1) == 0)
		(void)execute(plan, text);
	_exit(STATUS_NOT_TRIED);
}

pid_t reexec_try(const struct reexec_plan *plan, int err)
{
	int text = write_text(plan->text);
	sigset_t before;
	pid_t pid;

	if (text < 0)
		return text;
	/* Our handlers are not the trial's. */
	block_signals(&before);
	pid = fork();
	if (pid == 0)
		be_trial(plan, text, err);
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(text);
	return pid;
}

static int take_variable(const char *name)
{
	const char *value = getenv(name);
	uint64_t number;

	if (!value || text_parse_number(value, 0, INT_MAX, &number) < 0)
		return -1;
	unsetenv(name);
	return (int)number;
}

static char *read_text(int fd)
{
	struct stat status;
	char *text;
	size_t len;

	if (fstat(fd, &status) < 0)
		return NULL;
	len = (size_t)status.st_size;
	text = calloc(1, len + 1);
	if (text && read(fd, text, len) != (ssize_t)len) {
		free(text);
		text = NULL;
	}
	return text;
}

char *reexec_take(bool *is_trial)
{
	int fd = take_variable(TEXT_VARIABLE);
	char *text;

	*is_trial = take_variable(TRIAL_VARIABLE) > 0;
	if (fd < 0)
		return NULL;
	text = read_text(fd);
	close(fd);
	return text;
}

void reexec_hold(void)
{
	sigset_t before;

	block_signals(&before);
}

void reexec_go_on(void)
{
	sigset_t none;

	/* Those that ended meanwhile have told the program before. */
	raise(SIGCHLD);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
