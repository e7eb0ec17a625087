#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What the targets share. A target is a file: libFuzzer calls its one function with any bytes. What
 * must hold is a CHECK: where it does not, the process ends, and libFuzzer keeps the bytes.
 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Bytes, taken from the front; where they have run out, zeros. */
struct input {
	const uint8_t *at; /* borrowed */
	size_t len;
};

static inline unsigned take_byte(struct input *input)
{
	if (input->len == 0)
		return 0;
	input->len--;
	return *input->at++;
}

/* Leaves out so many, which are there. */
static inline void take_bytes(struct input *input, size_t len)
{
	input->at = len > 0 ? input->at + len : input->at;
	input->len -= len;
}

static inline uint64_t take_number(struct input *input)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | take_byte(input);
	return number;
}

/* Memory that ends where it ends: the sanitizer sees one byte too far. To be freed. */
static inline uint8_t *copy_bytes(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	CHECK(copy);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

/* Up to the next NUL, or to the end: a string, to be freed. */
static inline char *take_text(struct input *input)
{
	size_t len = strnlen((const char *)input->at, input->len);
	char *text = malloc(len + 1);

	CHECK(text);
	if (len > 0)
		memcpy(text, input->at, len);
	text[len] = '\0';
	input->at += len;
	input->len -= len;
	(void)take_byte(input);
	return text;
}

/* Random numbers that are the same for the same input (xorshift64*). */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dU;
}

/* A state to begin with; never 0, which it could not leave. */
static inline uint64_t seed_random(uint64_t seed)
{
	return seed * 0x9e3779b97f4a7c15U | 1;
}

/* How long the next piece of so many bytes is: often one, often all. */
static inline size_t next_cut(uint64_t *random, size_t len)
{
	uint64_t number = next_random(random) >> 16;

	switch (number % 4) {
	case 0:
		return 1;
	case 1:
		return len;
	default:
		return 1 + (size_t)(number / 4) % (len < 64 ? len : 64);
	}
}

#endif
