#ifndef CONFIG_ELF_H
#define CONFIG_ELF_H

#include "config/lists.h"

/* What a program in the ELF format needs to be loaded, as its file says: elf(5), ld.so(8). */

struct elf {
	char *loader;		    /* path of the dynamic loader; NULL: none, it is static */
	struct text_list libraries; /* names, or paths where there is a slash in it */
	char *search; /* directories with colons between them, $ORIGIN in it; or NULL */
};

/*
 * Reads it from a file: 0; -ENOEXEC: not of this format; -ENOTSUP: of another kind of machine, such
 * as 32 bits on one of 64; or another -errno. Whatever is in the file, elf can be given back.
 */
int elf_read(struct elf *elf, int fd) __attribute__((warn_unused_result));
void elf_fini(struct elf *elf);

#endif
