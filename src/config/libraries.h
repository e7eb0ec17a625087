#ifndef CONFIG_LIBRARIES_H
#define CONFIG_LIBRARIES_H

#include <stdbool.h>

#include "config/backend.h"
#include "config/elf.h"

/*
 * The libraries of a program in a chroot, and theirs, looked for as the dynamic loader does:
 * ld.so(8). What its cache would say is not looked at, so that where there is one it is not sure
 * that what is not found is missing.
 */
struct libraries {
	const char *root;	   /* borrowed */
	struct text_list places;   /* directories for all of them */
	struct text_list found;	   /* names */
	struct text_list missing;  /* names */
	struct text_list unlooked; /* paths of what was found, whose own needs are not known yet */
	bool is_sure;
};

/* path: of the program, inside of the chroot of the backend. */
void libraries_find(struct libraries *libraries, const struct backend_settings *backend,
		    const char *path, const struct elf *elf);
void libraries_fini(struct libraries *libraries);

/* "libxml2.so.2, libz.so.1"; malloced. NULL: nothing is missing. */
char *libraries_missing(const struct libraries *libraries);

#endif
