#ifndef CONFIG_QUOTING_H
#define CONFIG_QUOTING_H

#include <stdbool.h>
#include <stdio.h>

/*
 * How values are written so that they can hold anything but control bytes. Two ways: free text
 * (paths, names, items of lists), where a part in "..." is literal but for \" and \\, and blanks at
 * the ends do not count; and words as in a shell, which base/text splits.
 */

/*
 * Takes free text up to the byte end, or the end of the text, outside of quotes: malloced, quotes
 * and outer blanks gone; *text goes on to that end. NULL: a quote is not closed.
 */
char *quoting_take(const char **text, char end);

/* This free text as quoting_take reads it, malloced: in quotes where it needs them, or always. */
char *quoting_item(const char *item, bool always);

/* This word as text_split_words reads it, malloced. */
char *quoting_word(const char *word, bool always);

/*
 * Ends a value where a comment begins: at a semicolon that is first or follows a blank, outside of
 * quotes. Blanks at the end go too. is_words: quotes are those of a shell.
 */
void quoting_strip_comment(char *value, bool is_words);

/* text_new for sentences: never NULL, so that a NULL sentence always means "nothing is wrong". */
char *sentence_new(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
