#ifndef TESTS_UNIT_ELF_FIXTURE_H
#define TESTS_UNIT_ELF_FIXTURE_H

#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Files that look like programs as far as their heads say, for the tests of who reads these. */

enum { ELF_NEEDS_MAX = 4, ELF_TEXTS_SIZE = 512 };

struct elf_plan {
	const char *loader; /* NULL: static */
	const char *needs[ELF_NEEDS_MAX];
	const char *search; /* DT_RUNPATH, or NULL */
};

struct elf_file {
	ElfW(Ehdr) head;
	ElfW(Phdr) segments[3];
	ElfW(Dyn) entries[ELF_NEEDS_MAX + 3];
	char texts[ELF_TEXTS_SIZE]; /* the first is "" */
	size_t entry_count;
	size_t texts_len;
};

static inline size_t elf_add_text(struct elf_file *file, const char *text)
{
	size_t at = file->texts_len;

	file->texts_len += (size_t)snprintf(file->texts + at, ELF_TEXTS_SIZE - at, "%s", text) + 1;
	return at;
}

static inline void elf_add_entry(struct elf_file *file, int64_t tag, size_t value)
{
	file->entries[file->entry_count].d_tag = tag;
	file->entries[file->entry_count++].d_un.d_val = value;
}

static inline void elf_set_head(struct elf_file *file)
{
	const unsigned short order = 1;
	unsigned char *ident = file->head.e_ident;

	memcpy(ident, ELFMAG, SELFMAG);
	ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	ident[EI_DATA] = *(const unsigned char *)&order ? ELFDATA2LSB : ELFDATA2MSB;
	file->head.e_phoff = offsetof(struct elf_file, segments);
	file->head.e_phentsize = sizeof(file->segments[0]);
	file->head.e_phnum = 3;
	/* All of the file, as it is, from the address 0 on. */
	file->segments[0].p_type = PT_LOAD;
	file->segments[0].p_filesz = sizeof(*file);
}

static inline struct elf_file elf_make(const struct elf_plan *plan)
{
	struct elf_file file = {.texts_len = 1};
	ElfW(Phdr) *loader = &file.segments[1], *dynamic = &file.segments[2];

	elf_set_head(&file);
	if (!plan->loader)
		return file;
	loader->p_type = PT_INTERP;
	loader->p_offset = offsetof(struct elf_file, texts) + elf_add_text(&file, plan->loader);
	for (size_t i = 0; i < ELF_NEEDS_MAX && plan->needs[i]; i++)
		elf_add_entry(&file, DT_NEEDED, elf_add_text(&file, plan->needs[i]));
	if (plan->search)
		elf_add_entry(&file, DT_RUNPATH, elf_add_text(&file, plan->search));
	elf_add_entry(&file, DT_STRTAB, offsetof(struct elf_file, texts));
	elf_add_entry(&file, DT_NULL, 0);
	dynamic->p_type = PT_DYNAMIC;
	dynamic->p_offset = offsetof(struct elf_file, entries);
	dynamic->p_filesz = file.entry_count * sizeof(file.entries[0]);
	return file;
}

/* False: it could not be written. */
static inline int elf_write(const char *path, const struct elf_plan *plan)
{
	struct elf_file file = elf_make(plan);
	FILE *out = fopen(path, "we");
	int good = out && fwrite(&file, sizeof(file), 1, out) == 1;

	if (out && fclose(out) != 0)
		good = 0;
	return good && chmod(path, 0755) == 0;
}

#endif
