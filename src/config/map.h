#ifndef CONFIG_MAP_H
#define CONFIG_MAP_H

#include <stddef.h>

/* Items of map-extensions: ".from => .to", two words without blanks in them. */

/* Bytes of the first word, which the item begins with; 0: it is not of this form. */
size_t map_from_len(const char *item);

/* The second word of an item that is of this form. */
const char *map_target(const char *item);

#endif
