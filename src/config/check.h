#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/settings.h"

/* All that is wrong with a configuration, one sentence each, in the order found. */
struct complaints {
	struct text_list sentences; /* "FILE:LINE: ..." */
	struct text_list warnings;
};

void complaints_init(struct complaints *complaints);
void complaints_fini(struct complaints *complaints);

/* One more; takes the sentence (malloced; NULL is "no memory"). */
void complaints_add(struct complaints *complaints, struct origin origin, char *sentence);
void complaints_add_warning(struct complaints *complaints, struct origin origin, char *sentence);

/* The same of the value of a backend's key, or of its section where the key was not written. */
void complaints_add_of(struct complaints *complaints, const struct backend_settings *backend,
		       const char *key, char *sentence);
void complaints_add_warning_of(struct complaints *complaints,
			       const struct backend_settings *backend, const char *key,
			       char *sentence);

/*
 * Judges settings as a whole without touching the machine: required keys, keys that exclude each
 * other, addresses used twice. What both programs check.
 */
void check_settings(const struct settings *settings, struct complaints *complaints);

/*
 * What only the supervisor can know, before it drops anything: looks up users and groups and fills
 * their ids in, sees that programs can be executed by their users with what they need (inside the
 * chroot where there is one), that directories are there, and that others cannot write what we
 * read. Warns of what is allowed but unsafe, of limits of the system, and of what needs root and is
 * taken out where we are not. Takes a few milliseconds at most: it is part of each start.
 */
void check_machine(struct settings *settings, struct complaints *complaints);

/*
 * What more --check says, after check_machine: what programs often miss in a chroot; and, where as
 * is not NULL, whether this user can reach the fronts, for whom web servers run as.
 */
void check_advice(const struct settings *settings, const char *as, struct complaints *complaints);

#endif
