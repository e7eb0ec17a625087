#ifndef LIB_PROC_H
#define LIB_PROC_H

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

/* What a process can say about itself, a line of "name: value" or "name value" each, for tests. */

__attribute__((format(printf, 2, 3))) static inline void say(struct bytes *out, const char *format,
							     ...)
{
	char text[4096];
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	bytes_add(out, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* Lines of /proc/self/status: ids, capabilities, signal masks. Nothing where there is no /proc. */
static inline void proc_say_status(struct bytes *out)
{
	static const char *const wanted[] = {
		"Umask:", "Uid:", "Gid:", "Groups:", "Sig", "Cap", "NoNewPrivs:"};
	char line[512];
	FILE *status = fopen("/proc/self/status", "re");

	while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				say(out, "%s", line);
		}
	}
	if (status != NULL)
		fclose(status);
}

static inline void proc_say_ids(struct bytes *out)
{
	gid_t groups[128];
	int count = getgroups(128, groups);
	char cwd[1024];

	say(out, "uid %d %d\ngid %d %d\ngroups", getuid(), geteuid(), getgid(), getegid());
	for (int i = 0; i < count; i++)
		say(out, " %d", groups[i]);
	say(out, "\npid %d\nppid %d\npgid %d\nsid %d\n", getpid(), getppid(), getpgrp(), getsid(0));
	say(out, "cwd %s\n", getcwd(cwd, sizeof(cwd)) != NULL ? cwd : "(none)");
}

/* Open descriptors besides the one that this asks with and `except`, the connection. */
static inline void proc_say_descriptors(struct bytes *out, int except)
{
	char target[1024];
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		int fd = entry->d_name[0] == '.' ? -1 : (int)strtol(entry->d_name, NULL, 10);
		ssize_t len =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

		if (fd < 0 || fd == except || fd == dirfd(directory) || len < 0)
			continue;
		target[len] = '\0';
		say(out, "fd %d %s %s%s\n", fd, target,
		    fcntl(fd, F_GETFL) & O_NONBLOCK ? "non-blocking" : "blocking",
		    fcntl(fd, F_GETFD) & FD_CLOEXEC ? " close-on-exec" : "");
	}
	if (directory != NULL)
		closedir(directory);
}

static inline void proc_say_environment(struct bytes *out)
{
	for (char **entry = environ; *entry != NULL; entry++) {
		bytes_add(out, "env ", 4);
		bytes_add(out, *entry, strlen(*entry));
		bytes_add(out, "\n", 1);
	}
}

static inline void proc_say_directory(struct bytes *out, const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	say(out, "ls %s", path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.')
			say(out, " %s", entry->d_name);
	}
	say(out, "\n");
	if (directory != NULL)
		closedir(directory);
}

#endif
