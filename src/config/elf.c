#include "config/elf.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 256, ENTRIES_MAX = 4096, TEXTS_MAX = 1024 };

/* A file as it is read, with its table of segments. */
struct image {
	int fd;
	ElfW(Phdr) segments[SEGMENTS_MAX];
	size_t segment_count;
};

static int read_at(const struct image *image, void *out, size_t len, uint64_t offset)
{
	ssize_t got;

	if (offset > INT32_MAX)
		return -ENOEXEC;
	got = pread(image->fd, out, len, (off_t)offset);
	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -ENOEXEC;
}

/* It will be shown to somebody. */
static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* Up to its NUL, from so far behind base; malloced, or NULL and errno. */
static char *read_text(const struct image *image, uint64_t base, uint64_t offset)
{
	char text[PATH_MAX];
	ssize_t len;

	errno = ENOEXEC;
	if (base > INT32_MAX || offset > INT32_MAX)
		return NULL;
	len = pread(image->fd, text, sizeof(text), (off_t)(base + offset));
	if (len <= 0 || !memchr(text, '\0', (size_t)len) || !is_printable(text))
		return NULL;
	return strdup(text);
}

static int read_segments(struct image *image)
{
	const unsigned char native = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	const unsigned short order = 1;
	const unsigned char data = *(const unsigned char *)&order ? ELFDATA2LSB : ELFDATA2MSB;
	ElfW(Ehdr) head;
	int error = read_at(image, &head, sizeof(head), 0);

	if (error < 0)
		return error;
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (head.e_ident[EI_CLASS] != native || head.e_ident[EI_DATA] != data)
		return -ENOTSUP;
	if (head.e_phentsize != sizeof(*image->segments) || head.e_phnum > SEGMENTS_MAX)
		return -ENOEXEC;
	image->segment_count = head.e_phnum;
	return read_at(image, image->segments, head.e_phnum * sizeof(*image->segments),
		       head.e_phoff);
}

static const ElfW(Phdr) * find_segment(const struct image *image, uint32_t type)
{
	for (size_t i = 0; i < image->segment_count; i++)
		if (image->segments[i].p_type == type)
			return &image->segments[i];
	return NULL;
}

/* Where the byte that will have this address in memory lies in the file. UINT64_MAX: nowhere. */
static uint64_t offset_of(const struct image *image, uint64_t address)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const ElfW(Phdr) *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return address - segment->p_vaddr + segment->p_offset;
	}
	return UINT64_MAX;
}

static const ElfW(Dyn) * find_entry(const ElfW(Dyn) * entries, size_t count, int64_t tag)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].d_tag == tag)
			return &entries[i];
	return NULL;
}

static int take_entries(struct elf *elf, const struct image *image, const ElfW(Dyn) * entries,
			size_t count)
{
	const ElfW(Dyn) *table = find_entry(entries, count, DT_STRTAB);
	const ElfW(Dyn) *search = find_entry(entries, count, DT_RUNPATH);
	uint64_t texts = table ? offset_of(image, table->d_un.d_ptr) : UINT64_MAX;

	if (texts == UINT64_MAX)
		return -ENOEXEC;
	for (size_t i = 0; i < count && elf->libraries.count < TEXTS_MAX; i++)
		if (entries[i].d_tag == DT_NEEDED &&
		    text_list_add(&elf->libraries, read_text(image, texts, entries[i].d_un.d_val)))
			return -ENOEXEC;
	/* The older of the two counts only where the newer is not there. */
	if (!search)
		search = find_entry(entries, count, DT_RPATH);
	elf->search = search ? read_text(image, texts, search->d_un.d_val) : NULL;
	return 0;
}

static int read_entries(struct elf *elf, const struct image *image)
{
	const ElfW(Phdr) *segment = find_segment(image, PT_DYNAMIC);
	ElfW(Dyn) * entries;
	size_t count = 0, room = segment ? segment->p_filesz / sizeof(*entries) : 0;
	int error;

	if (room == 0)
		return 0;
	if (room > ENTRIES_MAX)
		return -ENOEXEC;
	entries = calloc(room, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	error = read_at(image, entries, room * sizeof(*entries), segment->p_offset);
	while (count < room && entries[count].d_tag != DT_NULL)
		count++;
	if (!error)
		error = take_entries(elf, image, entries, count);
	free(entries);
	return error;
}

int elf_read(struct elf *elf, int fd)
{
	struct image image = {.fd = fd};
	const ElfW(Phdr) * loader;
	int error;

	*elf = (struct elf){0};
	error = read_segments(&image);
	if (error < 0)
		return error;
	loader = find_segment(&image, PT_INTERP);
	if (loader) {
		elf->loader = read_text(&image, 0, loader->p_offset);
		if (!elf->loader)
			return -errno;
	}
	return read_entries(elf, &image);
}

void elf_fini(struct elf *elf)
{
	free(elf->loader);
	free(elf->search);
	text_list_fini(&elf->libraries);
	*elf = (struct elf){0};
}
