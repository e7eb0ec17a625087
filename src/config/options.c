#include "config/options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/quoting.h"
#include "config/value.h"

#define BACKEND(field) .scope = OPTION_BACKEND, .offset = offsetof(struct backend_settings, field)
#define WHOLE(field) .scope = OPTION_WHOLE, .offset = offsetof(struct settings, field)

enum {
	PROCS_MAX = 4096,
	BACKLOG_MAX = 65535,
	PORT_MAX = 65535,
	REQUESTS_MAX = 65535,
	MODE_MAX = 0777,
	SIGNAL_MAX = 64,
	PERCENT_MAX = 100,
};

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

static const char *const switch_choices[] = {"disable", "enable", NULL};
static const char *const check_local_choices[] = {"auto", "disable", "enable", NULL};
static const char *const mode_choices[] = {"responder", "authorizer", NULL};
static const char *const balance_choices[] = {"least-load", "random-of-two", "shared", NULL};
static const char *const retry_choices[] = {"none", "safe", "idempotent", "all", NULL};
static const char *const log_format_choices[] = {"plain", "json", NULL};
static const char *const log_level_choices[] = {"error", "warning", "info", "debug", NULL};

/* clang-format off */
const struct option_entry option_table[] = {
	{ "listen", BACKEND(listen), .group = OPTION_FRONT, .type = OPTION_ADDRESSES,
	  .is_for_mux = true, .argument = "ADDR",
	  .help = "where web servers connect; may be repeated" },
	{ "listen-owner", BACKEND(listen_owner), .group = OPTION_FRONT, .type = OPTION_ACCOUNT,
	  .letter = 'U', .is_for_mux = true, .argument = "USER",
	  .help = "owner of the Unix socket" },
	{ "listen-group", BACKEND(listen_group), .group = OPTION_FRONT, .type = OPTION_ACCOUNT,
	  .letter = 'G', .is_for_mux = true, .argument = "GROUP",
	  .help = "group of the Unix socket" },
	{ "listen-mode", BACKEND(listen_mode), .group = OPTION_FRONT, .type = OPTION_OCTAL,
	  .value_default = "0660", .max = MODE_MAX,
	  .letter = 'M', .is_for_mux = true, .argument = "MODE",
	  .help = "mode of the Unix socket" },
	{ "listen-backlog", BACKEND(listen_backlog), .group = OPTION_FRONT, .type = OPTION_NUMBER,
	  .value_default = "1024", .min = 1, .max = BACKLOG_MAX,
	  .letter = 'b', .is_for_mux = true, .argument = "N",
	  .help = "connections that may wait in the kernel" },
	{ "allowed-clients", BACKEND(allowed_clients), .group = OPTION_FRONT,
	  .type = OPTION_NETWORKS, .is_for_mux = true, .argument = "NETWORK",
	  .help = "who may come in over TCP: addresses and blocks such as 192.0.2.0/24, or all; a "
		  "list (default: that of FCGI_WEB_SERVER_ADDRS)" },
	{ "allowed-users", BACKEND(allowed_users), .group = OPTION_FRONT, .type = OPTION_ITEMS,
	  .is_for_mux = true, .argument = "USER",
	  .help = "who may come in through the Unix socket, beside root; a list (default: who can "
		  "open it)" },

	{ "extension", BACKEND(extension), .group = OPTION_ROUTING, .type = OPTION_ITEMS,
	  .is_for_mux = true, .argument = "KEY",
	  .help = "which requests: a suffix of the script such as .php, or a prefix such as "
		  "/app; a list (default: all)" },
	{ "map-extensions", BACKEND(map_extensions), .group = OPTION_ROUTING,
	  .type = OPTION_MAPS, .is_for_mux = true, .argument = "FROM=>TO",
	  .help = "one suffix for another: .php5 => .php; a list" },
	{ "mode", BACKEND(mode), .group = OPTION_ROUTING, .type = OPTION_CHOICE,
	  .value_default = "responder", .choices = mode_choices, .is_for_mux = true,
	  .argument = "ROLE", .help = "responder, or authorizer: decides which requests may pass" },
	{ "check-local", BACKEND(check_local), .group = OPTION_ROUTING, .type = OPTION_CHOICE,
	  .value_default = "auto", .choices = check_local_choices, .is_for_mux = true,
	  .argument = "HOW",
	  .help = "a script that is no file is answered with 404; auto: where extension is given" },
	{ "docroot", BACKEND(docroot), .group = OPTION_ROUTING, .type = OPTION_TEXT,
	  .is_for_mux = true, .argument = "DIR",
	  .help = "where the application finds what is below the web server's document root" },
	{ "broken-scriptfilename", BACKEND(broken_scriptfilename), .group = OPTION_ROUTING,
	  .type = OPTION_CHOICE, .value_default = "disable", .choices = switch_choices,
	  .is_for_mux = true, .argument = "HOW",
	  .help = "SCRIPT_FILENAME with PATH_INFO behind it" },
	{ "fix-root-scriptname", BACKEND(fix_root_scriptname), .group = OPTION_ROUTING,
	  .type = OPTION_CHOICE, .value_default = "disable", .choices = switch_choices,
	  .is_for_mux = true, .argument = "HOW",
	  .help = "with the extension /: SCRIPT_NAME is empty, PATH_INFO the whole path" },
	{ "strip-request-uri", BACKEND(strip_request_uri), .group = OPTION_ROUTING,
	  .type = OPTION_TEXT, .is_for_mux = true, .argument = "PREFIX",
	  .help = "what is taken off REQUEST_URI" },
	{ "deny-params", BACKEND(deny_params), .group = OPTION_ROUTING, .type = OPTION_NAMES,
	  .is_for_mux = true, .argument = "NAME",
	  .help = "variables that the application does not get, beside HTTP_PROXY; a list" },
	{ "allow-x-send-file", BACKEND(allow_x_send_file), .group = OPTION_ROUTING,
	  .type = OPTION_CHOICE, .value_default = "disable", .choices = switch_choices,
	  .is_for_mux = true, .argument = "HOW",
	  .help = "X-Sendfile: the application names a file that is sent for it" },
	{ "x-sendfile-docroot", BACKEND(x_sendfile_docroot), .group = OPTION_ROUTING,
	  .type = OPTION_ITEMS, .is_for_mux = true, .argument = "DIR",
	  .help = "where such files are; a list (default: anywhere)" },

	{ "bin-path", BACKEND(bin_path), .group = OPTION_PROCESSES, .type = OPTION_WORDS,
	  .argument = "COMMAND", .help = "program and arguments, quoted as in a shell" },
	{ "max-procs", BACKEND(max_procs), .group = OPTION_PROCESSES, .type = OPTION_NUMBER,
	  .value_default = "4", .min = 1, .max = PROCS_MAX, .argument = "N",
	  .help = "children, each with a socket of its own" },
	{ "min-procs", BACKEND(min_procs), .group = OPTION_PROCESSES, .type = OPTION_NUMBER,
	  .value_default = "4096", .max = PROCS_MAX, .argument = "N",
	  .help = "children that run also when there is nothing to do (default: max-procs)" },
	{ "idle-timeout", BACKEND(idle_timeout_ms), .group = OPTION_PROCESSES,
	  .type = OPTION_DURATION, .value_default = "60s", .max = DAY_MS, .argument = "TIME",
	  .help = "how long a child above min-procs is kept that is not needed" },
	{ "max-requests", BACKEND(max_requests), .group = OPTION_PROCESSES, .type = OPTION_NUMBER,
	  .value_default = "0", .max = UINT32_MAX, .argument = "N",
	  .help = "requests after which a child is replaced; 0: never" },
	{ "max-age", BACKEND(max_age_ms), .group = OPTION_PROCESSES, .type = OPTION_DURATION,
	  .value_default = "0", .max = 365 * DAY_MS, .argument = "TIME",
	  .help = "age at which a child is replaced; 0: never" },
	{ "max-memory", BACKEND(max_memory), .group = OPTION_PROCESSES, .type = OPTION_SIZE,
	  .value_default = "0", .max = 1024 * GIB, .argument = "SIZE",
	  .help = "resident memory at which a child is replaced; 0: never" },
	{ "bin-environment", BACKEND(bin_environment), .group = OPTION_PROCESSES,
	  .type = OPTION_VARIABLES, .argument = "NAME=VALUE",
	  .help = "variables to set; a list, may be repeated" },
	{ "bin-copy-environment", BACKEND(bin_copy_environment), .group = OPTION_PROCESSES,
	  .type = OPTION_NAMES, .argument = "NAME",
	  .help = "the only variables to pass on; a list, may be repeated (default: all)" },
	{ "kill-signal", BACKEND(kill_signal), .group = OPTION_PROCESSES, .type = OPTION_SIGNAL,
	  .value_default = "SIGTERM", .min = 1, .max = SIGNAL_MAX,
	  .argument = "SIGNAL", .help = "what asks a child to stop" },
	{ "user", BACKEND(user), .group = OPTION_PROCESSES, .type = OPTION_ACCOUNT,
	  .letter = 'u', .argument = "USER", .help = "user of the program, by name or number" },
	{ "group", BACKEND(group), .group = OPTION_PROCESSES, .type = OPTION_ACCOUNT,
	  .letter = 'g', .argument = "GROUP", .help = "its group (default: that of the user)" },
	{ "chroot", BACKEND(chroot), .group = OPTION_PROCESSES, .type = OPTION_TEXT,
	  .letter = 'c', .argument = "DIR", .help = "root directory of the program" },
	{ "directory", BACKEND(directory), .group = OPTION_PROCESSES, .type = OPTION_TEXT,
	  .letter = 'd', .argument = "DIR", .help = "its working directory" },
	{ "umask", BACKEND(umask), .group = OPTION_PROCESSES, .type = OPTION_OCTAL,
	  .value_default = "022", .max = MODE_MAX,
	  .argument = "MASK", .help = "its file mode creation mask" },
	{ "socket", BACKEND(socket), .group = OPTION_PROCESSES, .type = OPTION_TEXT,
	  .argument = "PATH",
	  .help = "children listen at PATH-0, PATH-1, ... (default: in a private directory)" },
	{ "host", BACKEND(host), .group = OPTION_PROCESSES, .type = OPTION_TEXT,
	  .argument = "HOST", .help = "children listen here, at consecutive ports" },
	{ "port", BACKEND(port), .group = OPTION_PROCESSES, .type = OPTION_NUMBER,
	  .min = 1, .max = PORT_MAX, .argument = "PORT", .help = "the first of these ports" },
	{ "server", BACKEND(server), .group = OPTION_PROCESSES, .type = OPTION_SERVERS,
	  .is_for_mux = true, .argument = "ADDR",
	  .help = "a process of others: ADDR [weight=N] [backup]; each address of a name is one; "
		  "may be repeated" },
	{ "srv", BACKEND(srv), .group = OPTION_PROCESSES, .type = OPTION_SERVICES,
	  .is_for_mux = true, .argument = "NAME",
	  .help = "the same by SRV records: _php._tcp.example.org; a list" },

	{ "balance", BACKEND(balance), .group = OPTION_BALANCE, .type = OPTION_CHOICE,
	  .value_default = "least-load", .choices = balance_choices, .argument = "HOW",
	  .help = "least-load: each request to the process with the least to do; random-of-two: "
		  "to that of two; shared: the children share the front socket" },
	{ "capacity", BACKEND(capacity), .group = OPTION_BALANCE, .type = OPTION_NUMBER,
	  .value_default = "0", .max = REQUESTS_MAX, .is_for_mux = true, .argument = "N",
	  .help = "requests that a process takes at once; 0: what it says itself" },
	{ "queue-limit", BACKEND(queue_limit), .group = OPTION_BALANCE, .type = OPTION_NUMBER,
	  .value_default = "1024", .max = REQUESTS_MAX, .is_for_mux = true, .argument = "N",
	  .help = "requests that may wait for a process" },
	{ "queue-timeout", BACKEND(queue_timeout_ms), .group = OPTION_BALANCE,
	  .type = OPTION_DURATION, .value_default = "30s", .max = DAY_MS, .is_for_mux = true,
	  .argument = "TIME", .help = "how long they may; 0: for ever" },
	{ "queue-time-variable", BACKEND(queue_time_variable), .group = OPTION_BALANCE,
	  .type = OPTION_TEXT, .is_for_mux = true, .argument = "NAME",
	  .help = "tells the application in this variable how long a request waited, in ms" },
	{ "max-request-size", BACKEND(max_request_size), .group = OPTION_BALANCE,
	  .type = OPTION_SIZE, .value_default = "0", .max = 1024 * GIB, .is_for_mux = true,
	  .argument = "SIZE", .help = "largest body that is taken; 0: any" },
	{ "retry", BACKEND(retry), .group = OPTION_BALANCE, .type = OPTION_CHOICE,
	  .value_default = "safe", .choices = retry_choices, .is_for_mux = true,
	  .argument = "WHICH",
	  .help = "requests that may be sent again when a process fails: none, safe (GET and the "
		  "like), idempotent (PUT, DELETE too) or all" },
	{ "keepalive", BACKEND(keepalive), .group = OPTION_BALANCE, .type = OPTION_NUMBER,
	  .value_default = "64", .max = REQUESTS_MAX, .is_for_mux = true, .argument = "N",
	  .help = "idle connections kept to each process; 0: none" },
	{ "keepalive-time", BACKEND(keepalive_time_ms), .group = OPTION_BALANCE,
	  .type = OPTION_DURATION, .value_default = "1h", .min = 1, .max = DAY_MS,
	  .is_for_mux = true, .argument = "TIME",
	  .help = "age from which such a connection is used no more" },
	{ "disable-time", BACKEND(disable_time_ms), .group = OPTION_BALANCE,
	  .type = OPTION_DURATION, .value_default = "1s", .max = DAY_MS,
	  .is_for_mux = true, .argument = "TIME",
	  .help = "rest for a process that failed" },
	{ "retry-budget", BACKEND(retry_budget), .group = OPTION_BALANCE, .type = OPTION_NUMBER,
	  .value_default = "20", .max = PERCENT_MAX, .is_for_mux = true, .argument = "PERCENT",
	  .help = "requests that may be sent again, of all; 100: any" },
	{ "spill-over", BACKEND(spill_over), .group = OPTION_BALANCE, .type = OPTION_NUMBER,
	  .value_default = "0", .max = REQUESTS_MAX, .argument = "N",
	  .help = "servers beside children get requests while more than N wait" },
	{ "slow-start", BACKEND(slow_start_ms), .group = OPTION_BALANCE, .type = OPTION_DURATION,
	  .value_default = "10s", .max = DAY_MS, .is_for_mux = true, .argument = "TIME",
	  .help = "until a new server gets its full share; 0: at once" },
	{ "probe-interval", BACKEND(probe_interval_ms), .group = OPTION_BALANCE,
	  .type = OPTION_DURATION, .value_default = "2s", .max = DAY_MS, .is_for_mux = true,
	  .argument = "TIME", .help = "how often a server is asked whether it is well; 0: never" },
	{ "probe-request", BACKEND(probe_request), .group = OPTION_BALANCE, .type = OPTION_TEXT,
	  .is_for_mux = true, .argument = "PATH",
	  .help = "by a request for this page (default: by FCGI_GET_VALUES)" },
	{ "probe-status", BACKEND(probe_status), .group = OPTION_BALANCE, .type = OPTION_NUMBER,
	  .value_default = "200", .min = 100, .max = 599, .is_for_mux = true,
	  .argument = "STATUS", .help = "which the page is to have" },

	{ "connect-timeout", BACKEND(connect_timeout_ms), .group = OPTION_TIME,
	  .type = OPTION_DURATION, .value_default = "3s", .min = 1, .max = DAY_MS,
	  .is_for_mux = true, .argument = "TIME", .help = "for reaching a process" },
	{ "probe-timeout", BACKEND(probe_timeout_ms), .group = OPTION_TIME,
	  .type = OPTION_DURATION, .value_default = "2s", .min = 1, .max = DAY_MS,
	  .is_for_mux = true, .argument = "TIME", .help = "for the answer to a probe" },
	{ "tcp-user-timeout", BACKEND(tcp_user_timeout_ms), .group = OPTION_TIME,
	  .type = OPTION_DURATION, .value_default = "10s", .max = DAY_MS, .is_for_mux = true,
	  .argument = "TIME",
	  .help = "a server's, to acknowledge what was sent; 0: the system's" },
	{ "request-timeout", BACKEND(request_timeout_ms), .group = OPTION_TIME,
	  .type = OPTION_DURATION, .value_default = "0", .max = DAY_MS, .is_for_mux = true,
	  .argument = "TIME", .help = "a running request's, before its child is killed; 0: none" },
	{ "slow-request", BACKEND(slow_request_ms), .group = OPTION_TIME,
	  .type = OPTION_DURATION, .value_default = "0", .max = DAY_MS, .is_for_mux = true,
	  .argument = "TIME", .help = "after which a request is logged as slow; 0: never" },
	{ "shutdown-timeout", BACKEND(shutdown_timeout_ms), .group = OPTION_TIME,
	  .type = OPTION_DURATION, .value_default = "10s", .max = DAY_MS, .argument = "TIME",
	  .help = "a child's, to stop before SIGKILL" },

	{ "pid-file", WHOLE(pid_file), .group = OPTION_PROGRAMS, .type = OPTION_TEXT,
	  .letter = 'P', .argument = "FILE", .help = "holds the supervisor's pid" },
	{ "log", WHOLE(log), .group = OPTION_PROGRAMS, .type = OPTION_TEXT,
	  .is_for_mux = true, .argument = "WHERE", .help = "stdout, stderr, syslog or a file" },
	{ "access-log", WHOLE(access_log), .group = OPTION_PROGRAMS, .type = OPTION_TEXT,
	  .is_for_mux = true, .argument = "WHERE",
	  .help = "a line for each request here: stdout, stderr or a file" },
	{ "log-level", WHOLE(log_level), .group = OPTION_PROGRAMS, .type = OPTION_CHOICE,
	  .value_default = "info", .choices = log_level_choices, .is_for_mux = true,
	  .argument = "LEVEL", .help = "error, warning, info or debug" },
	{ "log-format", WHOLE(log_format), .group = OPTION_PROGRAMS, .type = OPTION_CHOICE,
	  .value_default = "plain", .choices = log_format_choices, .is_for_mux = true,
	  .argument = "FORM", .help = "plain lines, or json: an object a line" },
	{ "mux-user", WHOLE(mux_user), .group = OPTION_PROGRAMS, .type = OPTION_ACCOUNT,
	  .value_default = "nobody", .is_for_mux = true, .argument = "USER",
	  .help = "user of fcgi-mux" },
	{ "sandbox", WHOLE(sandbox), .group = OPTION_PROGRAMS, .type = OPTION_CHOICE,
	  .value_default = "enable", .choices = switch_choices, .is_for_mux = true,
	  .argument = "HOW",
	  .help = "fcgi-mux can do no more than its work: seccomp, and Landlock where it is" },
	{ "resolver", WHOLE(resolver), .group = OPTION_PROGRAMS, .type = OPTION_RESOLVERS,
	  .is_for_mux = true, .argument = "ADDR",
	  .help = "a name server; may be repeated (default: those of /etc/resolv.conf)" },
	{ "request-buffer", WHOLE(request_buffer), .group = OPTION_PROGRAMS, .type = OPTION_SIZE,
	  .value_default = "64k", .max = 16 * MIB, .is_for_mux = true, .argument = "SIZE",
	  .help = "of a request's body, before it is passed on" },
	{ "response-buffer", WHOLE(response_buffer), .group = OPTION_PROGRAMS, .type = OPTION_SIZE,
	  .value_default = "512k", .min = 4 * KIB, .max = GIB, .is_for_mux = true,
	  .argument = "SIZE", .help = "of an answer, for a slow web server" },
	{ "status-path", WHOLE(status_path), .group = OPTION_PROGRAMS, .type = OPTION_TEXT,
	  .is_for_mux = true, .argument = "PATH",
	  .help = "fcgi-mux itself answers a request for this path with its statistics" },
	{ "ping-path", WHOLE(ping_path), .group = OPTION_PROGRAMS, .type = OPTION_TEXT,
	  .is_for_mux = true, .argument = "PATH",
	  .help = "fcgi-mux itself answers a request for this path with \"pong\"" },
	{ "debug", WHOLE(debug), .group = OPTION_PROGRAMS, .type = OPTION_NUMBER,
	  .value_default = "0", .max = 2, .is_for_mux = true, .argument = "N",
	  .help = "1: the log shows the load of all processes at each request; 2: its "
		  "variables too" },
};
/* clang-format on */

const size_t option_count = sizeof(option_table) / sizeof(*option_table);

static_assert(sizeof(option_table) / sizeof(*option_table) <= SETTINGS_ORIGINS,
	      "an origin for each option");

static const struct option_entry *find(const char *name, size_t len)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_entry *option = &option_table[i];

		if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
			return option;
	}
	return NULL;
}

const struct option_entry *option_find(const char *name)
{
	return find(name, strlen(name));
}

const struct option_entry *option_find_before_equals(const char *text)
{
	size_t len = strcspn(text, " \t=");

	return text[len + strspn(text + len, " \t")] == '=' ? find(text, len) : NULL;
}

const char *option_nearest(const char *name)
{
	const char *names[SETTINGS_ORIGINS];

	for (size_t i = 0; i < option_count; i++)
		names[i] = option_table[i].name;
	return text_nearest(name, names, option_count);
}

bool option_is_list(const struct option_entry *option)
{
	switch (option->type) {
	case OPTION_ITEMS:
	case OPTION_NAMES:
	case OPTION_MAPS:
	case OPTION_VARIABLES:
	case OPTION_ADDRESSES:
	case OPTION_NETWORKS:
	case OPTION_SERVERS:
	case OPTION_SERVICES:
	case OPTION_RESOLVERS:
		return true;
	default:
		return false;
	}
}

static void *field_of(const struct option_entry *option, void *target)
{
	return (char *)target + option->offset;
}

static const void *const_field_of(const struct option_entry *option, const void *target)
{
	return (const char *)target + option->offset;
}

static struct origin *origin_of(const struct option_entry *option, void *target)
{
	size_t index = (size_t)(option - option_table);

	if (option->scope == OPTION_BACKEND)
		return &((struct backend_settings *)target)->origins[index];
	return &((struct settings *)target)->origins[index];
}

struct origin option_origin(const struct option_entry *option, const void *target)
{
	size_t index = (size_t)(option - option_table);

	if (option->scope == OPTION_BACKEND)
		return ((const struct backend_settings *)target)->origins[index];
	return ((const struct settings *)target)->origins[index];
}

struct origin option_origin_of(const char *name, const void *target)
{
	const struct option_entry *option = option_find(name);

	assert(option);
	return option_origin(option, target);
}

static bool is_own(struct origin origin)
{
	return origin.file && !origin.is_inherited;
}

/* Names the option before what is wrong with its value. */
static char *with_name(const struct option_entry *option, char *fault)
{
	char *sentence = fault ? sentence_new("%s: %s", option->name, fault) : NULL;

	free(fault);
	return sentence;
}

char *option_set(const struct option_entry *option, void *target, const char *text,
		 struct origin origin)
{
	struct origin *old = origin_of(option, target);
	/* Lines are what files have: the command line's values go over theirs. */
	bool is_repeated = is_own(*old) && !old->line == !origin.line;
	bool adds = is_repeated && option_is_list(option);

	if (is_repeated && !adds && origin.line)
		return sentence_new("%s is given already at %s:%u", option->name, old->file,
				    old->line);
	*old = origin;
	return with_name(option, value_read(option, field_of(option, target), text, adds));
}

char *option_continue(const struct option_entry *option, void *target, const char *text)
{
	if (!option_is_list(option) && option->type != OPTION_WORDS)
		return sentence_new(
			"an indented line goes on with the value above it, and that of %s "
			"cannot: take the indentation away",
			option->name);
	return with_name(option, value_read(option, field_of(option, target), text, true));
}

void option_unset(const struct option_entry *option, void *target)
{
	value_fini(option, field_of(option, target));
	*origin_of(option, target) = (struct origin){0};
}

bool option_is_set(const struct option_entry *option, const void *target)
{
	return value_is_set(option, const_field_of(option, target));
}

void option_print(const struct option_entry *option, const void *target, FILE *out)
{
	if (option_is_set(option, target))
		value_print(option, const_field_of(option, target), out);
}

int options_inherit(struct backend_settings *to, const struct backend_settings *from)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_entry *option = &option_table[i];

		if (option->scope != OPTION_BACKEND || is_own(to->origins[i]))
			continue;
		value_fini(option, field_of(option, to));
		if (value_copy(option, field_of(option, to), const_field_of(option, from)))
			return -ENOMEM;
		to->origins[i] = from->origins[i];
		to->origins[i].is_inherited = true;
	}
	return 0;
}

void options_fini(enum option_scope scope, void *target)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].scope == scope)
			value_fini(&option_table[i], field_of(&option_table[i], target));
}
