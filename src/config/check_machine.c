#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "config/check.h"
#include "config/check_access.h"
#include "config/check_accounts.h"
#include "config/check_limits.h"
#include "config/check_program.h"
#include "config/check_reach.h"
#include "config/check_servers.h"
#include "config/check_trust.h"
#include "config/options.h"
#include "config/quoting.h"
#include "config/walk.h"

/* Of Linux: null(4). */
enum { NULL_MAJOR = 1, NULL_MINOR = 3 };

/* Children's own sockets: only the mux has business there. */
static void warn_of_reach(const struct backend_settings *backend, struct complaints *complaints)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address address;

	if (!backend->host || !backend->port ||
	    address_set_host(&address, backend->host, (uint16_t)backend->port) ||
	    address_is_loopback(&address))
		return;
	complaints_add_warning_of(
		complaints, backend, "host",
		sentence_new("host: whoever can connect to %s can run programs here: let nobody "
			     "but the web server reach it",
			     address_format(&address, text)));
}

static void check_backend(struct backend_settings *backend, bool is_command,
			  struct complaints *complaints)
{
	if (check_accounts(backend, is_command, complaints))
		check_program(backend, is_command, complaints);
	check_access(backend, is_command, complaints);
	if (!backend_is_supervised(backend))
		return;
	warn_of_reach(backend, complaints);
	if (geteuid() == 0 && !backend->user.name)
		complaints_add_warning(
			complaints, backend->origin,
			sentence_new("the program stays root: user (-u) is not given"));
}

static int try_access(const char *path, int wanted)
{
	return faccessat(AT_FDCWD, path, wanted, AT_EACCESS) < 0 ? errno : 0;
}

/* 0, or why no file of this path can be opened for writing. Cuts the path where the directory is
 * what hinders. */
static int writing_error(char *path)
{
	char *slash = strrchr(path, '/');
	int error = try_access(path, W_OK);

	if (error != ENOENT || !slash)
		return error == ENOENT ? 0 : error;
	slash[slash == path] = '\0';
	return try_access(path, W_OK | X_OK);
}

/* What the supervisor writes itself; where it is no path, such as syslog, that is not checked. */
static void check_output(const struct settings *settings, const char *key, const char *text,
			 struct complaints *complaints)
{
	const struct origin origin = option_origin_of(key, settings);
	char *path, *sentence;
	int error;

	if (!text || text[0] != '/')
		return;
	path = sentence_new("%s", text);
	error = writing_error(path);
	sentence =
		sentence_new("%s: %s cannot be written: %s: %s", key, text, path, strerror(error));
	free(path);
	/* The directory may still be made before the start. */
	if (error == ENOENT)
		complaints_add_warning(complaints, origin, sentence);
	else if (error)
		complaints_add(complaints, origin, sentence);
	else
		free(sentence);
}

/* It may still be made before the start, as for the others; who may write there is known then. */
static void check_socket(const struct backend_settings *backend, const struct address *listen,
			 struct complaints *complaints)
{
	char *path;

	if (listen->kind != ADDRESS_UNIX || listen->name[0] != '/')
		return;
	path = sentence_new("%s", listen->name);
	if (writing_error(path) == ENOENT)
		complaints_add_warning_of(complaints, backend, "listen",
					  sentence_new("listen: %s cannot be made: %s: %s",
						       listen->name, path, strerror(ENOENT)));
	free(path);
}

static void check_sockets(const struct settings *settings, struct complaints *complaints)
{
	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend = settings->backends[i];

		for (size_t n = 0; n < backend->listen.count; n++)
			check_socket(backend, &backend->listen.items[n], complaints);
	}
}

static void check_outputs(const struct settings *settings, struct complaints *complaints)
{
	check_output(settings, "pid-file", settings->pid_file, complaints);
	check_output(settings, "log", settings->log, complaints);
	check_output(settings, "access-log", settings->access_log, complaints);
}

void check_machine(struct settings *settings, struct complaints *complaints)
{
	bool is_command = settings->files.count == 0;

	for (size_t i = 0; i < settings->backend_count; i++)
		check_backend(settings->backends[i], is_command, complaints);
	check_mux_user(settings, is_command, complaints);
	if (!is_command) {
		check_sockets(settings, complaints);
		check_outputs(settings, complaints);
	}
	check_limits(settings, complaints);
	check_servers_use(settings, complaints);
	check_trust(settings, complaints);
	check_strangers(settings, complaints);
}

static void advise(const struct backend_settings *backend, struct complaints *complaints,
		   const char *path, const char *effect)
{
	complaints_add_warning_of(
		complaints, backend, "chroot",
		sentence_new("chroot: there is no %s in %s: %s", path, backend->chroot, effect));
}

static void advise_on_null(const struct backend_settings *backend, struct complaints *complaints)
{
	struct walk walk;

	if (walk_to(&walk, backend->chroot, "/dev/null", NULL) != WALK_THERE)
		advise(backend, complaints, "/dev/null",
		       "many programs need it: mknod -m 666 dev/null c 1 3");
	else if (!S_ISCHR(walk.status.st_mode) ||
		 walk.status.st_rdev != makedev(NULL_MAJOR, NULL_MINOR))
		complaints_add_warning_of(complaints, backend, "chroot",
					  sentence_new("chroot: %s is not the null device: mknod "
						       "-m 666 dev/null c 1 3",
						       walk.path));
}

/* What is missed by many, but not by all. */
static void advise_on_chroot(const struct backend_settings *backend, struct complaints *complaints)
{
	static const struct {
		const char *path;
		const char *effect;
	} usual[] = {
		{"/etc/resolv.conf", "hosts are not found by name"},
		{"/etc/passwd", "users have no names there"},
		{"/usr/share/zoneinfo", "the only time zone is UTC"},
	};
	struct walk walk;

	if (walk_to(&walk, backend->chroot, "/", NULL) != WALK_THERE)
		return;
	advise_on_null(backend, complaints);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (walk_to(&walk, backend->chroot, usual[i].path, NULL) != WALK_THERE)
			advise(backend, complaints, usual[i].path, usual[i].effect);
}

void check_advice(const struct settings *settings, const char *as, struct complaints *complaints)
{
	for (size_t i = 0; i < settings->backend_count; i++)
		if (settings->backends[i]->chroot)
			advise_on_chroot(settings->backends[i], complaints);
	if (as)
		check_reach(settings, as, complaints);
}
