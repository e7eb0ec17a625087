#ifndef SIM_SIM_SOCKET_H
#define SIM_SIM_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Sockets in memory, in pairs: one end is a descriptor of the mux, the other is held by the test,
 * which plays the web server, the application or the supervisor. Bytes that were sent before an end
 * was closed can be read, then the end shows: as the end, or as a reset where it was closed with
 * bytes unread.
 */

enum { SIM_SOCKETS_MAX = 2048, SIM_PIPE_LEN = 64 * 1024, SIM_BACKLOG = 64 };

enum sim_kind { SIM_FREE, SIM_LISTENING, SIM_STREAM, SIM_MESSAGES };

struct sim_socket {
	enum sim_kind kind;
	bool is_closed;		 /* by its holder */
	bool is_ours;		 /* a descriptor of the mux */
	struct sim_socket *peer; /* NULL: none, or freed */

	/* STREAM, MESSAGES: what comes in */
	uint8_t *bytes; /* SIM_PIPE_LEN of them, in a ring */
	size_t start, len;
	size_t capacity;      /* of them that are used */
	uint64_t taken;	      /* read by its holder, so far */
	uint64_t *taken_note; /* counts the same where the socket is gone; NULL: not wanted */
	bool has_end;	      /* no more will come */
	bool is_reset;	      /* and an error says so */
	bool has_shut;	      /* its holder sends no more */
	bool has_shut_input;  /* nor takes any more but what has come */
	bool is_connecting;
	int error; /* of connecting */

	/* LISTENING */
	struct sim_socket *pending[SIM_BACKLOG];
	size_t pending_count, backlog;
	const char *path; /* borrowed; NULL: a front's */
	bool is_remote;	  /* connecting takes a while */
};

/* All free, all closed. */
void sim_sockets_reset(void);

/* A listening socket of the mux, for a front; or of an application, where the mux connects to. */
struct sim_socket *sim_listen_front(void);
struct sim_socket *sim_listen(const char *path, bool is_remote);

/* What a front listens at; the mux closes it, and it goes on for the next one. */
int sim_socket_fd(struct sim_socket *socket);

/* A pair of messages: *fd is the mux's. */
struct sim_socket *sim_control_pair(int *fd);

/* A web server connects: its end, or NULL where the backlog is full. */
struct sim_socket *sim_connect(struct sim_socket *front);

/* An application accepts: its end, or NULL where nobody waits. */
struct sim_socket *sim_accept(struct sim_socket *listening);

/* A connection that was on its way is there, or has failed with this error. */
void sim_finish_connecting(struct sim_socket *socket, int error);

/* What the test's end does. Each returns the bytes that went. */
size_t sim_put(struct sim_socket *socket, const void *bytes, size_t len);
size_t sim_get(struct sim_socket *socket, void *room, size_t size);
size_t sim_peek(const struct sim_socket *socket, void *bytes, size_t size);
size_t sim_readable(const struct sim_socket *socket);
size_t sim_room(const struct sim_socket *socket);
void sim_shut(struct sim_socket *socket);
void sim_shut_input(struct sim_socket *socket);
void sim_close(struct sim_socket *socket, bool is_reset);

/* Whole messages of up to 255 bytes: false and 0 where there is no room, or none. */
bool sim_put_message(struct sim_socket *socket, const void *bytes, size_t len);
size_t sim_get_message(struct sim_socket *socket, void *room, size_t size);

/* The other side has ended, and everything it sent was read. */
bool sim_has_ended(const struct sim_socket *socket);

/* The other side has closed. */
bool sim_is_left(const struct sim_socket *socket);

/* For the loop: the number of a descriptor of the mux, or -1; and what it is ready for. */
int sim_socket_number(int fd);
int sim_socket_events(int number);

/*
 * For sim_system, which plays the system calls: whose descriptor it is; who listens at a path, or
 * NULL; a connection to it, or NULL where the backlog is full.
 */
struct sim_socket *sim_socket_of(int fd);
struct sim_socket *sim_find_listening(const char *path);
struct sim_socket *sim_connect_to(struct sim_socket *listening);

/* Descriptors that the mux has open, of streams and messages. */
size_t sim_open_count(void);

#endif
