#include "config/check_trust.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/check_accounts.h"
#include "config/quoting.h"

/* In a sticky directory nobody can replace what is another's: /tmp. */
static bool all_may_write(const struct stat *status)
{
	return (status->st_mode & S_IWOTH) &&
	       !(S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX));
}

/*
 * Ends path, which has no links in it, behind the first name on the way that all may write. False:
 * none, or it cannot be seen.
 */
static bool cut_at_opening(char *path)
{
	struct stat status;

	for (char *end = path + 1;; end++) {
		char saved = *end;

		if (saved && saved != '/')
			continue;
		*end = '\0';
		if (stat(path, &status) < 0)
			return false;
		if (all_may_write(&status))
			return true;
		if (!saved)
			return false;
		*end = saved;
	}
}

/* Who besides root may write it; malloced, NULL: nobody. For root's own files only. */
static char *foreign_writer(const struct walk *walk)
{
	mode_t mode = walk->status.st_mode;

	if (walk->status.st_uid != 0 && walk->status.st_uid != geteuid())
		return account_user_text(walk->status.st_uid);
	if ((mode & S_IWGRP) && walk->status.st_gid != 0)
		return sentence_new("its group, of gid %u,", (unsigned)walk->status.st_gid);
	return NULL;
}

/* file: as it is kept in the settings, so that an origin may borrow it. */
static void check_file(const char *file, struct complaints *complaints)
{
	const struct origin origin = {.file = file};
	bool is_root = geteuid() == 0;
	struct walk walk;
	char *writer;

	/* Standard input, or gone meanwhile. */
	if (walk_to(&walk, NULL, file, NULL) != WALK_THERE || !S_ISREG(walk.status.st_mode))
		return;
	writer = is_root ? foreign_writer(&walk) : NULL;
	if (cut_at_opening(walk.path)) {
		char *sentence = sentence_new("all may write %s, and so decide what is started "
					      "here: chmod o-w %s",
					      walk.path, walk.path);

		if (is_root)
			complaints_add(complaints, origin, sentence);
		else
			complaints_add_warning(complaints, origin, sentence);
	} else if (writer) {
		complaints_add_warning(complaints, origin,
				       sentence_new("%s may write it, and so decide what root "
						    "starts: chown root, chmod g-w",
						    writer));
	}
	free(writer);
}

static void check_program(const struct backend_settings *backend, struct complaints *complaints)
{
	struct walk walk;

	if (walk_to(&walk, backend->chroot, backend->bin_path.items[0], NULL) == WALK_THERE &&
	    cut_at_opening(walk.path))
		complaints_add_warning_of(complaints, backend, "bin-path",
					  sentence_new("bin-path: all may write %s, and so decide "
						       "what is run: chmod o-w %s",
						       walk.path, walk.path));
}

void check_trust(const struct settings *settings, struct complaints *complaints)
{
	for (size_t i = 0; i < settings->files.count; i++)
		check_file(settings->files.items[i], complaints);
	for (size_t i = 0; i < settings->backend_count; i++)
		if (backend_is_supervised(settings->backends[i]))
			check_program(settings->backends[i], complaints);
}
