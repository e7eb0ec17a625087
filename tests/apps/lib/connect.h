#ifndef LIB_CONNECT_H
#define LIB_CONNECT_H

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* connect_to: a blocking connection to a path, unix:path, host:port or [v6]:port; -1 and errno. */

static inline int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* "host:port" or "[v6]:port", cut up in place. */
static inline int connect_tcp(char *text)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char *port = strrchr(text, ':');
	int fd = -1, on = 1;

	*port++ = '\0';
	if (*text == '[') {
		text++;
		text[strcspn(text, "]")] = '\0';
	}
	if (getaddrinfo(text, port, &hints, &found) != 0)
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static inline int connect_to(const char *address)
{
	const char *path = strncmp(address, "unix:", 5) == 0 ? address + 5 : address;
	char *text;
	int fd;

	if (strchr(path, '/') != NULL || strchr(path, ':') == NULL)
		return connect_unix(path);
	text = strdup(path);
	fd = connect_tcp(text);
	free(text);
	return fd;
}

#endif
