/* In front of all that is built to count: changes how it is counted, not what it does. */

#include <unistd.h>

/* Counts are written by exit and exec, but not by the _exit of a child. */
void __gcov_dump(void);
#define _exit(status) (__gcov_dump(), _exit(status))

/* Each copy of an inlined function would have branches of its own. */
#define always_inline unused
