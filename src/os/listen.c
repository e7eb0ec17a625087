#include "os/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "os/address.h"
#include "os/passed.h"

enum { MODE_ALL = 0777, PATH_SIZE = ADDRESS_PATH_MAX + 1 };

/* NULL would mean that all went well. */
static char *sentence_or(char *sentence)
{
	return sentence ? sentence : strdup("out of memory");
}

/* "cannot listen on /run/php.sock: bind: permission denied" */
static char *complain(const struct listen_plan *plan, const char *step, int error)
{
	char text[ADDRESS_TEXT_SIZE];

	return sentence_or(text_new("cannot listen on %s: %s: %s",
				    address_format(&plan->address, text), step, strerror(error)));
}

static char *complain_of(const struct listen_plan *plan, const char *what)
{
	char text[ADDRESS_TEXT_SIZE];

	return sentence_or(
		text_new("cannot listen on %s: %s", address_format(&plan->address, text), what));
}

void listener_init(struct listener *listener)
{
	*listener = (struct listener){.fd = -1, .directory = -1};
}

/* The part of the path below the chroot, or NULL where the path is not inside. */
static const char *path_inside(const struct listen_plan *plan)
{
	size_t len = plan->root ? strlen(plan->root) : 0;

	while (len > 0 && plan->root[len - 1] == '/')
		len--;
	if (len == 0 || strncmp(plan->address.name, plan->root, len) != 0)
		return NULL;
	return plan->address.name[len] == '/' ? plan->address.name + len : NULL;
}

/* As the application will see it: no symbolic link leads out of its chroot. */
static int open_inside(const char *root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int directory;
	int error;

	if (top < 0)
		return -1;
	directory = (int)syscall(SYS_openat2, top, path, &how, sizeof(how));
	error = errno;
	close(top);
	errno = error;
	return directory;
}

static char *open_directory(struct listener *listener, const struct listen_plan *plan)
{
	const char *inside = path_inside(plan);
	const char *path = inside ? inside : plan->address.name;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char directory[PATH_SIZE];

	if (*name == '\0')
		return complain_of(plan, "the path ends with a slash; name a socket");
	if (slash)
		(void)text_format(directory, sizeof(directory), "%.*s", (int)(slash - path + 1),
				  path);
	else
		(void)text_format(directory, sizeof(directory), ".");
	(void)text_format(listener->name, sizeof(listener->name), "%s", name);
	if (inside)
		listener->directory = open_inside(plan->root, directory);
	else
		listener->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (listener->directory < 0)
		return complain(plan, directory, errno);
	return NULL;
}

/* How the kernel is given the path: through the directory where a chroot decides what it means. */
static void socket_path(const struct listener *listener, const struct listen_plan *plan,
			struct socket_address *address)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&address->storage;

	*address = (struct socket_address){.len = sizeof(*path)};
	path->sun_family = AF_UNIX;
	if (path_inside(plan))
		(void)text_format(path->sun_path, sizeof(path->sun_path), "/proc/self/fd/%d/%s",
				  listener->directory, listener->name);
	else
		(void)text_format(path->sun_path, sizeof(path->sun_path), "%s", plan->address.name);
}

/* Somebody answers, or would if he were not so busy. 0, 1, or -errno where that cannot be told. */
static int is_alive(const struct socket_address *address)
{
	bool is_connecting;
	int fd = socket_connect(address, &is_connecting);

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN)
		return 1;
	return fd == -ECONNREFUSED ? 0 : fd;
}

static char *remove_stale(const struct listener *listener, const struct listen_plan *plan,
			  const struct socket_address *address)
{
	struct stat status;
	int alive;

	if (fstatat(listener->directory, listener->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? NULL : complain(plan, "look at what is there", errno);
	if (!S_ISSOCK(status.st_mode))
		return complain_of(plan,
				   "what is there is no socket; remove it or choose another path");
	alive = is_alive(address);
	if (alive > 0)
		return complain_of(plan,
				   "already in use: another process answers there; stop it or "
				   "choose another path");
	if (alive < 0)
		return complain(plan, "see whether another process answers there", -alive);
	if (unlinkat(listener->directory, listener->name, 0) < 0)
		return complain(plan, "remove the stale socket", errno);
	return NULL;
}

static const char replaced[] = "the new socket was replaced by something else";

static bool is_its_socket(const struct listener *listener, const struct stat *status)
{
	return status->st_dev == listener->device && status->st_ino == listener->inode;
}

/* By a descriptor, which cannot be led to something else meanwhile. */
static char *change_owner(const struct listener *listener, const struct listen_plan *plan)
{
	int fd = openat(listener->directory, listener->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	char *error = NULL;

	if (fd < 0)
		return complain(plan, "find the new socket", errno);
	if (fstat(fd, &status) < 0 || !is_its_socket(listener, &status))
		error = complain_of(plan, replaced);
	else if (fchownat(fd, "", plan->owner, plan->group, AT_EMPTY_PATH) < 0)
		error = complain(plan, "change its owner", errno);
	close(fd);
	return error;
}

/* Remembers the socket just made, and gives it to its owner. */
static char *own_socket(struct listener *listener, const struct listen_plan *plan)
{
	struct stat status;

	/* Before anything that takes a descriptor: from here on it is known, and can be removed. */
	if (fstatat(listener->directory, listener->name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISSOCK(status.st_mode))
		return complain_of(plan, replaced);
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	if (plan->owner == (uid_t)-1 && plan->group == (gid_t)-1)
		return NULL;
	return change_owner(listener, plan);
}

static char *bind_unix(struct listener *listener, const struct listen_plan *plan)
{
	struct socket_address address;
	char *error = open_directory(listener, plan);
	mode_t mask;
	int result;

	if (error)
		return error;
	socket_path(listener, plan, &address);
	error = remove_stale(listener, plan, &address);
	if (error)
		return error;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return complain(plan, "socket", errno);
	/* Born with its mode: there is no moment in which it is open wider. */
	mask = umask(MODE_ALL & ~plan->mode);
	result = bind(listener->fd, (struct sockaddr *)&address.storage, address.len);
	umask(mask);
	if (result < 0)
		return complain(plan, path_inside(plan) ? "bind through /proc/self/fd" : "bind",
				errno);
	return own_socket(listener, plan);
}

/* With SO_REUSEADDR a port that another process listens at can be bound, but not listened at. */
static char *complain_of_port(const struct listen_plan *plan, const char *step, int error)
{
	if (error == EADDRINUSE)
		return complain_of(plan, "already in use: another process has the port; stop it "
					 "or choose another");
	return complain(plan, step, error);
}

static char *bind_tcp(struct listener *listener, const struct listen_plan *plan)
{
	struct socket_address address;
	const char *complaint = socket_address_resolve(&plan->address, &address);
	int family = address.storage.ss_family;
	int on = 1;

	if (complaint)
		return complain_of(plan, complaint);
	listener->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return complain(plan, "socket", errno);
	(void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	socket_set_no_delay(listener->fd);
	/* [::] is IPv6 only, so that 0.0.0.0 can be there beside it. */
	if (family == AF_INET6)
		(void)setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(listener->fd, (struct sockaddr *)&address.storage, address.len) < 0)
		return complain_of_port(plan, "bind", errno);
	return NULL;
}

/* Whatever path leads there. The service manager does not know of a chroot. */
static bool is_same_socket(const char *path, const struct listen_plan *plan)
{
	struct stat theirs, ours;

	if (strcmp(path, plan->address.name) == 0)
		return true;
	return !plan->root && stat(path, &theirs) == 0 && stat(plan->address.name, &ours) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

static bool is_bound_to(int fd, const struct listen_plan *plan)
{
	struct socket_address bound = {.len = sizeof(bound.storage)}, wanted;

	if (getsockname(fd, (struct sockaddr *)&bound.storage, &bound.len) < 0)
		return false;
	if (bound.storage.ss_family == AF_UNIX)
		return plan->address.kind == ADDRESS_UNIX &&
		       is_same_socket(((struct sockaddr_un *)&bound.storage)->sun_path, plan);
	return plan->address.kind == ADDRESS_TCP &&
	       !socket_address_resolve(&plan->address, &wanted) && wanted.len == bound.len &&
	       memcmp(&wanted.storage, &bound.storage, bound.len) == 0;
}

/* Whether what is at the path is the socket that we made there in an earlier life. */
static bool is_made_at(const struct passed_socket *socket, const struct listen_plan *plan)
{
	struct listener place;
	struct stat status;
	bool is_same;

	listener_init(&place);
	free(open_directory(&place, plan));
	is_same = place.directory >= 0 &&
		  fstatat(place.directory, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		  status.st_dev == socket->device && status.st_ino == socket->inode;
	listener_release(&place);
	return is_same;
}

static bool is_for(const struct passed_socket *socket, const struct listen_plan *plan)
{
	if (socket->is_taken)
		return false;
	if (socket->inode != 0)
		return plan->address.kind == ADDRESS_UNIX && is_made_at(socket, plan);
	return is_bound_to(socket->fd, plan);
}

/* NULL: none is bound there. */
static struct passed_socket *find_passed(const struct listen_plan *plan)
{
	struct passed_socket *socket = passed_next(NULL);

	while (socket && !is_for(socket, plan))
		socket = passed_next(socket);
	return socket;
}

bool listen_is_passed(const struct listen_plan *plan)
{
	return find_passed(plan) != NULL;
}

/* As the plan has it by now; what cannot be changed stays. By descriptor, so that it is the one. */
static void change_access(const struct listener *listener, const struct listen_plan *plan)
{
	int fd = openat(listener->directory, listener->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[PATH_SIZE];
	struct stat status;

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && is_its_socket(listener, &status) &&
	    text_format(path, sizeof(path), "/proc/self/fd/%d", fd) == 0 &&
	    fchownat(fd, "", plan->owner, plan->group, AT_EMPTY_PATH) == 0)
		(void)chmod(path, plan->mode);
	close(fd);
	(void)listen(listener->fd, plan->backlog);
}

/* One that we made ourselves, in an earlier life, is ours to remove. */
static void take_passed(struct listener *listener, const struct listen_plan *plan,
			struct passed_socket *socket)
{
	socket->is_taken = true;
	listener->fd = socket->fd;
	listener->is_passed = true;
	if (socket->inode == 0)
		return;
	free(open_directory(listener, plan));
	listener->device = socket->device;
	listener->inode = socket->inode;
	change_access(listener, plan);
}

char *listener_open(struct listener *listener, const struct listen_plan *plan)
{
	struct passed_socket *socket = find_passed(plan);
	char *error;

	listener_init(listener);
	if (socket) {
		take_passed(listener, plan, socket);
		return NULL;
	}
	if (plan->address.kind == ADDRESS_UNIX)
		error = bind_unix(listener, plan);
	else
		error = bind_tcp(listener, plan);
	if (!error && listen(listener->fd, plan->backlog) < 0)
		error = complain_of_port(plan, "listen", errno);
	if (error)
		listener_close(listener);
	return error;
}

bool listener_is_tcp(const struct listener *listener)
{
	int domain = AF_UNIX;
	socklen_t len = sizeof(domain);

	(void)getsockopt(listener->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	return domain != AF_UNIX;
}

void listener_close(struct listener *listener)
{
	struct stat status;

	if (listener->directory >= 0 && listener->inode != 0 &&
	    fstatat(listener->directory, listener->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    is_its_socket(listener, &status))
		(void)unlinkat(listener->directory, listener->name, 0);
	listener_release(listener);
}

void listener_release(struct listener *listener)
{
	if (listener->fd >= 0)
		close(listener->fd);
	if (listener->directory >= 0)
		close(listener->directory);
	listener_init(listener);
}

static char *directory_below(const char *parent)
{
	char *path = text_new("%s/fcgi-herd.XXXXXX", parent);

	if (path && mkdtemp(path))
		return path;
	free(path);
	return NULL;
}

/* su leaves XDG_RUNTIME_DIR as it was, and we cannot enter that of another user. */
static char *runtime_directory(void)
{
	const char *parent = getenv("XDG_RUNTIME_DIR");
	char *path = NULL;

	if (geteuid() == 0)
		return directory_below("/run");
	if (parent && parent[0] == '/')
		path = directory_below(parent);
	return path ? path : directory_below("/tmp");
}

char *listen_directory_new(gid_t group)
{
	char *path = runtime_directory();

	if (!path || group == (gid_t)-1)
		return path;
	if (chown(path, (uid_t)-1, group) == 0 && chmod(path, 0710) == 0)
		return path;
	(void)rmdir(path);
	free(path);
	return NULL;
}
