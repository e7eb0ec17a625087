#ifndef TESTS_UNIT_FAILING_MEMORY_H
#define TESTS_UNIT_FAILING_MEMORY_H

/*
 * One allocation of a piece of work fails, the others not. The linker's --wrap leads them to
 * failing_memory.c.
 */

/* How many there are still before the one that fails, and that one; 0: none does. */
extern unsigned memory_left;

/* What was allocated and not freed. */
extern long memory_blocks;

#endif
