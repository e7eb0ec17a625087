#include <stdbool.h>
#include <string.h>

#include "config/cli.h"
#include "config/options.h"

enum { HELP_COLUMN = 32, HELP_WIDTH = 79 };

static const char *const headings[] = {
	[OPTION_FRONT] = "The front",
	[OPTION_ROUTING] = "Which requests, and what the application sees",
	[OPTION_PROCESSES] = "The processes",
	[OPTION_BALANCE] = "Balancing",
	[OPTION_TIME] = "Time",
	[OPTION_PROGRAMS] = "The whole",
};

/* An option, then its text from HELP_COLUMN on, broken between words. */
static void print_entry(FILE *out, const char *left, const char *text)
{
	size_t column = (size_t)fprintf(out, "  %s", left);

	if (column >= HELP_COLUMN) {
		fputc('\n', out);
		column = 0;
	}
	while (*text) {
		size_t len = strcspn(text, " ");

		if (column + 1 + len > HELP_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column < HELP_COLUMN)
			column += (size_t)fprintf(out, "%*s", (int)(HELP_COLUMN - column), "");
		else
			column += (size_t)fprintf(out, " ");
		column += (size_t)fprintf(out, "%.*s", (int)len, text);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
}

static void print_option(FILE *out, const struct option_entry *option, bool with_letter)
{
	char left[80], text[300];

	if (with_letter && option->letter)
		snprintf(left, sizeof(left), "-%c, --%s %s", option->letter, option->name,
			 option->argument);
	else
		snprintf(left, sizeof(left), "    --%s %s", option->name, option->argument);
	/* A default that depends on other values is told in words. */
	if (option->value_default && !strstr(option->help, "(default: "))
		snprintf(text, sizeof(text), "%s (%s)", option->help, option->value_default);
	else
		snprintf(text, sizeof(text), "%s", option->help);
	print_entry(out, left, text);
}

static void print_options(FILE *out, bool is_mux)
{
	const char *heading = NULL;

	for (size_t i = 0; i < option_count; i++) {
		const struct option_entry *option = &option_table[i];

		if (is_mux && !option->is_for_mux)
			continue;
		if (heading != headings[option->group])
			fprintf(out, "\n%s:\n", headings[option->group]);
		heading = headings[option->group];
		print_option(out, option, !is_mux);
	}
}

void cli_print_help_herd(FILE *out)
{
	fputs("Usage: fcgi-herd [options] -- program [arguments]\n"
	      "       fcgi-herd --config FILE [options]\n"
	      "       fcgi-herd --status | --watch [--config FILE | ADDR]\n\n"
	      "Starts FastCGI programs, keeps them running, and puts one balanced socket in\n"
	      "front of them. An ADDR is /path, host:port or [v6]:port.\n\n",
	      out);
	print_entry(out, "    --config FILE", "a file, or a directory of *.ini");
	print_entry(out, "    --check", "test, print what is in effect, start nothing");
	print_entry(out, "    --as USER", "with --check: can this user reach the front?");
	print_entry(out, "    --status", "what goes on in the one that runs so; or --status ADDR");
	print_entry(out, "    --watch", "the same, again every second");
	print_entry(out, "-n, --foreground", "stay in the foreground");
	print_entry(out, "-h, -?, --help", "this text");
	print_entry(out, "-v, --version", "the version");
	fputs("\nMore options of spawn-fcgi, not with --config:\n", out);
	print_entry(out, "-s PATH", "listen at a Unix socket");
	print_entry(out, "-p PORT", "listen at a TCP port");
	print_entry(out, "-a ADDRESS", "IPv4 or IPv6 address for -p (127.0.0.1)");
	print_entry(out, "-f COMMAND", "the program, started by a shell; -- is better");
	print_entry(out, "-C N", "set PHP_FCGI_CHILDREN to N");
	print_entry(out, "-F N", "N children that share the front socket (1)");
	print_entry(out, "-S", "the path of -s is outside of the chroot");
	print_entry(out, "-x FILE", "php.ini: gives -c FILE to the program");
	print_options(out, false);
	fputs("\nfcgi-herd(8) says more, and fcgi-herd.ini(5) what files hold.\n", out);
}

void cli_print_help_mux(FILE *out)
{
	fputs("Usage: fcgi-mux --listen ADDR --server ADDR [--server ADDR ...] [options]\n"
	      "       fcgi-mux --config FILE [options]\n"
	      "       fcgi-mux --get ADDR PATH\n"
	      "       fcgi-mux --values ADDR\n\n"
	      "Gives each FastCGI request that comes in at the front to the process with the\n"
	      "least to do. An ADDR is /path, host:port or [v6]:port.\n\n",
	      out);
	print_entry(out, "    --config FILE",
		    "a file, or a directory of *.ini, or - for standard input");
	print_entry(out, "    --check", "test, print what is in effect, open nothing");
	print_entry(out, "    --get ADDR PATH", "one request there; prints the answer");
	print_entry(out, "    --values ADDR", "how much it can do, and has to");
	print_entry(out, "-h, --help", "this text");
	print_entry(out, "-v, --version", "the version");
	print_options(out, true);
	fputs("\nfcgi-mux(8) says more, and fcgi-herd.ini(5) what files hold.\n", out);
}
