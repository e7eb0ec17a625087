#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/elf.h"
#include "elf_fixture.h"

static const struct elf_plan plan = {
	.loader = "/lib/ld.so", .needs = {"liba.so.1", "libb.so.2"}, .search = "$ORIGIN/../lib"};

/* A file in memory of these bytes. */
static int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

static int read_bytes(struct elf *elf, const void *bytes, size_t len)
{
	int fd = file_of(bytes, len);
	int error = elf_read(elf, fd);

	close(fd);
	return error;
}

static void assert_refused(const void *bytes, size_t len, int error)
{
	struct elf elf;

	assert_int_equal(read_bytes(&elf, bytes, len), error);
	elf_fini(&elf);
}

static void test_what_a_program_needs(void **state)
{
	struct elf_file file = elf_make(&plan);
	struct elf elf;

	(void)state;
	assert_int_equal(read_bytes(&elf, &file, sizeof(file)), 0);
	assert_string_equal(elf.loader, "/lib/ld.so");
	assert_string_equal(elf.search, "$ORIGIN/../lib");
	assert_int_equal(elf.libraries.count, 2);
	assert_string_equal(elf.libraries.items[0], "liba.so.1");
	assert_string_equal(elf.libraries.items[1], "libb.so.2");
	elf_fini(&elf);
}

static void test_a_static_program_needs_nothing(void **state)
{
	const struct elf_plan alone = {0};
	struct elf_file file = elf_make(&alone);
	struct elf elf;

	(void)state;
	assert_int_equal(read_bytes(&elf, &file, sizeof(file)), 0);
	assert_null(elf.loader);
	assert_null(elf.search);
	assert_int_equal(elf.libraries.count, 0);
	elf_fini(&elf);
}

static void test_a_real_program(void **state)
{
	struct elf elf;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(elf_read(&elf, fd), 0);
	assert_non_null(elf.loader);
	assert_int_equal(access(elf.loader, X_OK), 0);
	assert_true(text_list_has(&elf.libraries, "libcmocka.so.0"));
	elf_fini(&elf);
	close(fd);
}

static void test_other_files(void **state)
{
	struct elf_file file = elf_make(&plan);

	(void)state;
	assert_refused("", 0, -ENOEXEC);
	assert_refused("#!/bin/sh\n", 10, -ENOEXEC);
	file.head.e_ident[EI_CLASS] = ELFCLASSNONE;
	assert_refused(&file, sizeof(file), -ENOTSUP);
	assert_refused(&file, 40, -ENOEXEC);
	file = elf_make(&plan);
	file.head.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	assert_refused(&file, sizeof(file), -ENOTSUP);
	file.head.e_ident[0] = 'x';
	assert_refused(&file, sizeof(file), -ENOEXEC);
}

static void test_what_cannot_be_read(void **state)
{
	struct elf elf;

	(void)state;
	assert_int_equal(elf_read(&elf, -1), -EBADF);
	assert_null(elf.loader);
	elf_fini(&elf);
}

/* A number of so many bytes, in the order of this machine. */
static void put(void *field, size_t len, uint64_t value)
{
	const uint8_t one = (uint8_t)value;
	const uint16_t two = (uint16_t)value;
	const uint32_t four = (uint32_t)value;
	const void *const bytes[] = {[1] = &one, [2] = &two, [4] = &four, [8] = &value};

	memcpy(field, bytes[len], len);
}

/* Numbers that lead out of the file, and names that nobody should see. */
static void test_what_lies(void **state)
{
	const struct elf_file good = elf_make(&plan);
	struct elf_file file = good;
	const struct lie {
		void *field;
		size_t len;
		uint64_t value;
	} lies[] = {
#define LIE(name, value) {&file.name, sizeof(file.name), value}
		LIE(head.e_phoff, UINT64_MAX - 8),
		LIE(head.e_phnum, UINT16_MAX),
		LIE(head.e_phentsize, sizeof(file.segments[0]) + 1),
		LIE(segments[0].p_type, PT_NULL),
		/* The texts lie before it, behind it, or where no file is that long. */
		LIE(segments[0].p_vaddr, sizeof(file)),
		LIE(segments[0].p_filesz, 1),
		LIE(segments[0].p_offset, UINT32_MAX),
		LIE(segments[1].p_offset, sizeof(file) + 1),
		LIE(segments[2].p_filesz, UINT64_MAX),
		LIE(segments[2].p_offset, sizeof(file)),
		LIE(entries[0].d_un.d_val, UINT64_MAX),
		LIE(entries[3].d_tag, DT_DEBUG), /* in place of DT_STRTAB */
		LIE(texts[2], '\033'),
		LIE(texts[2], 0x7f),
#undef LIE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		file = good;
		put(lies[i].field, lies[i].len, lies[i].value);
		assert_refused(&file, sizeof(file), -ENOEXEC);
	}
}

/* The table of what is needed ends with its segment too, and is not read without end. */
static void test_tables_without_an_end(void **state)
{
	enum { MANY = 1500, READ = 1024 };
	struct {
		struct elf_file file;
		ElfW(Dyn) entries[MANY];
	} long_one = {.file = elf_make(&plan)};
	struct elf_file file = elf_make(&plan);
	struct elf elf;

	(void)state;
	file.segments[2].p_filesz -= sizeof(file.entries[0]);
	assert_int_equal(read_bytes(&elf, &file, sizeof(file)), 0);
	assert_int_equal(elf.libraries.count, 2);
	elf_fini(&elf);
	long_one.entries[0] = file.entries[3];
	for (size_t i = 1; i < MANY; i++)
		long_one.entries[i] = file.entries[0];
	long_one.file.segments[2].p_offset = sizeof(file);
	long_one.file.segments[2].p_filesz = sizeof(long_one.entries);
	assert_int_equal(read_bytes(&elf, &long_one, sizeof(long_one)), 0);
	assert_int_equal(elf.libraries.count, READ);
	elf_fini(&elf);
}

/* A file that ends anywhere is refused or read, and nothing else happens. */
static void test_every_cut(void **state)
{
	struct elf_file file = elf_make(&plan);

	(void)state;
	for (size_t len = 0; len < sizeof(file); len++) {
		struct elf elf;
		int error = read_bytes(&elf, &file, len);

		assert_true(error == 0 || error == -ENOEXEC);
		elf_fini(&elf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_program_needs),
		cmocka_unit_test(test_a_static_program_needs_nothing),
		cmocka_unit_test(test_a_real_program),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_what_lies),
		cmocka_unit_test(test_tables_without_an_end),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
