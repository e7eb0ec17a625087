/*
 * showenv: an example FastCGI program. Its page tells which process answered, how many requests it
 * has had, and all that it was given: the variables of the request and its own environment.
 *
 *     cc -o showenv showenv.c -lfcgi
 *
 * libfcgi accepts on descriptor 0, where fcgi-herd puts a listening socket. SIGUSR1 stops the
 * program between two requests: kill-signal = USR1.
 */
#include <fcgi_stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char page_top[] =
	"Content-Type: text/html; charset=utf-8\r\n"
	"Cache-Control: no-store\r\n"
	"\r\n"
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>showenv</title>\n"
	"<style>\n"
	":root { color-scheme: light dark; --line: #8884; --accent: #2a7d5f; }\n"
	"body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto;\n"
	"  padding: 0 1rem; }\n"
	"h1 { font-weight: 600; margin: 0; }\n"
	"h2 { font-size: 1rem; font-weight: 600; margin: 2rem 0 .5rem; }\n"
	".facts { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0; }\n"
	".fact { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1.25rem; }\n"
	".fact b { display: block; font-size: 1.75rem; color: var(--accent);\n"
	"  font-variant-numeric: tabular-nums; }\n"
	"table { width: 100%; border-collapse: collapse; font: 13px/1.5 ui-monospace, monospace; }\n"
	"td { border-top: 1px solid var(--line); padding: .3rem .5rem; vertical-align: top;\n"
	"  overflow-wrap: anywhere; }\n"
	"td:first-child { width: 16rem; color: var(--accent); }\n"
	"</style>\n"
	"<h1>It works.</h1>\n";

/* Values come from whoever made the request: never as markup. */
static void print_escaped(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '<':
			printf("&lt;");
			break;
		case '&':
			printf("&amp;");
			break;
		default:
			putchar(text[i]);
		}
	}
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A table of "NAME=value" entries; sorts them, which is all the same to getenv. */
static void print_variables(const char *title, char **entries)
{
	size_t count = 0;

	while (entries[count] != NULL)
		count++;
	qsort(entries, count, sizeof(*entries), compare_entries);

	printf("<h2>%s</h2>\n<table>\n", title);
	for (size_t i = 0; i < count; i++) {
		size_t name_len = strcspn(entries[i], "=");
		const char *value = entries[i] + name_len + (entries[i][name_len] == '=');

		printf("<tr><td>");
		print_escaped(entries[i], name_len);
		printf("<td>");
		print_escaped(value, strlen(value));
		printf("\n");
	}
	printf("</table>\n");
}

static void print_fact(const char *what, long value)
{
	printf("<div class=\"fact\">%s<b>%ld</b></div>\n", what, value);
}

int main(void)
{
	/* FCGI_Accept() puts the variables of each request into environ in place of these. */
	char **own_environment = environ;
	long count = 0;

	while (FCGI_Accept() >= 0) {
		printf("%s<div class=\"facts\">\n", page_top);
		print_fact("process", getpid());
		print_fact("its requests", ++count);
		print_fact("its user", getuid());
		printf("</div>\n");
		print_variables("Variables of the request", environ);
		print_variables("Environment of the process", own_environment);
	}
	return 0;
}
