#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* What the kernel tells of other processes, in /proc; see proc(5). */

/*
 * Bytes of memory that a process has resident now, pages that it shares with others among them.
 * 0, or -errno with *len = 0: it is gone, or this process may not see it.
 */
int process_memory(pid_t pid, uint64_t *len) __attribute__((warn_unused_result));

#endif
