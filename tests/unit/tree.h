#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of a test's own, which all may enter, with files in it. */
struct tree {
	char root[32];
	char text[PATH_MAX]; /* of the last tree_path */
};

static inline void tree_init(struct tree *tree)
{
	*tree = (struct tree){.root = "/tmp/test-tree.XXXXXX"};
	assert_non_null(mkdtemp(tree->root));
	assert_int_equal(chmod(tree->root, 0755), 0);
}

static inline int tree_remove(const char *path, const struct stat *status, int kind,
			      struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static inline void tree_fini(struct tree *tree)
{
	assert_int_equal(nftw(tree->root, tree_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* name: with a slash in front, as inside of the tree. Until the next call. */
static inline const char *tree_path(struct tree *tree, const char *name)
{
	int len = snprintf(tree->text, sizeof(tree->text), "%s%s", tree->root, name);

	assert_true(len > 0 && (size_t)len < sizeof(tree->text));
	return tree->text;
}

/* The mode is as said, whatever the umask. */
static inline void tree_add_directory(struct tree *tree, const char *name, mode_t mode)
{
	assert_int_equal(mkdir(tree_path(tree, name), 0700), 0);
	assert_int_equal(chmod(tree->text, mode), 0);
}

static inline void tree_add_file(struct tree *tree, const char *name, const char *text, mode_t mode)
{
	int fd = open(tree_path(tree, name), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* text, with the tree's root for each @, behind head: into out. */
static inline void tree_expand(const struct tree *tree, char *out, size_t size, const char *head,
			       const char *text)
{
	size_t len = (size_t)snprintf(out, size, "%s", head);

	for (; *text; text++) {
		assert_true(len + strlen(tree->root) + 1 < size);
		if (*text == '@')
			len += (size_t)snprintf(out + len, size - len, "%s", tree->root);
		else
			out[len++] = *text;
	}
	out[len] = '\0';
}

static inline void tree_add_link(struct tree *tree, const char *name, const char *target)
{
	assert_int_equal(symlink(target, tree_path(tree, name)), 0);
}

#endif
