#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim_mux.h"
#include "wire.h"

/*
 * The model of the rules that make fcgi-mux trustworthy: beside the real machines, what is true of
 * each request, known from both of its ends. A world is a mux with web servers (web.c) on one side
 * and applications (app.c) under a supervisor (supervisor.c) on the other. A history is steps; what
 * a step does is decided by its own number alone, so that a history without some of its steps is a
 * history too.
 */

enum {
	CLIENTS = 12,	  /* connections of web servers */
	ACTORS_MAX = 6,	  /* processes of applications */
	CLIENT_WANTS = 8, /* requests at once on each */
	LINES = 24,	  /* connections of each */
	JOBS = 24,	  /* requests on each of these */
	WANTS_MAX = 4096,
	ATTEMPTS_MAX = 10,
	HEAD_LEN = 30, /* of every answer */
};

/* FastCGI, as the model needs it. */
enum {
	BEGIN = 1,
	ABORT,
	END,
	PARAMS,
	STDIN,
	STDOUT,
	STDERR,
	DATA,
	GET_VALUES,
	GET_VALUES_RESULT,
	UNKNOWN_TYPE
};

/* What becomes of a request, as its web server sees it. */
enum want_state { WANT_OPEN, WANT_ENDED, WANT_BROKEN, WANT_ABORTED };

/* One time that a request came to a process. */
struct attempt {
	const struct line *line; /* that it came on */
	uint32_t serial;	 /* of that line, while it was open */
	uint64_t answer_at;	 /* where, of what was sent on the line, its answer may begin */
	size_t answer_len;	 /* behind the head */
	bool is_on_used_line;	 /* another request has ended there before */
	bool is_ended;		 /* the process has sent all of the answer */
	bool is_on_bad_line;	 /* the process has broken the protocol meanwhile */
};

/* A request of a web server: what was asked, who was asked, what was answered. */
struct want {
	uint16_t id;
	bool keep, is_post;
	bool is_bad;	  /* its client has sent what is not good since */
	bool is_refused;  /* an authorizer will say no */
	bool is_approved; /* an authorizer has said yes */
	size_t body_len;
	uint64_t begin_at; /* in what its client sends */
	uint64_t since_ms;
	unsigned deaths_before; /* of processes, when it was asked */
	enum want_state state;
	uint8_t head[HEAD_LEN]; /* of the answer, as it came */
	size_t got;		/* of the answer */
	struct attempt attempts[ATTEMPTS_MAX];
	unsigned attempt_count;
};

struct client {
	struct wire wire;
	bool is_bad;	    /* sent what is not good, or only half */
	bool is_over;	    /* its last request has no FCGI_KEEP_CONN */
	bool is_broken_off; /* the mux broke an answer off, and will close it */
	bool is_slow;	    /* reads nothing */
	uint64_t drain_at;  /* 1 + what the mux had taken when it was to stop; 0: it was not */
	struct want *wants[CLIENT_WANTS]; /* open or aborted ones; NULL: free */
};

/* A request at a process. */
struct job {
	bool is_open;
	bool has_params, has_input, is_aborted, is_authorizer, is_hung;
	uint16_t id;
	struct want *want; /* NULL until its parameters are there */
	unsigned attempt;  /* of the want, from 0 */
	struct buffer params;
	size_t body_len; /* that has come */
	size_t sent;	 /* of the answer */
};

struct line {
	struct wire wire;
	struct job jobs[JOBS];
	uint32_t serial;
	bool is_bad;	     /* has broken the protocol */
	bool keep;	     /* as the last request on it said */
	unsigned done_count; /* requests that have ended on it */
	uint16_t half_id;    /* of one that ended before its body came; 0: there is none */
};

/* A process: what it is stays, whether it lives changes. */
struct actor {
	struct sim_socket *listening;
	char path[32];
	uint32_t backend, proc;
	int32_t pid;	   /* 0: it is not there */
	int32_t announced; /* what the mux was told; 0: that it is not there */
	bool is_draining;  /* is to get no new request, and to end then */
	bool is_drain_announced;
	bool is_serial; /* serves one connection at a time */
	bool is_multiplexing;
	bool is_mute;	   /* does not say its values */
	bool is_frail;	   /* mostly closes in place of answering */
	unsigned capacity; /* what it says, or the configuration */
	unsigned limit;	   /* what it may get, whatever the mux knows */
	struct line lines[LINES];
};

struct world {
	struct sim_mux sim;
	bool has_supervisor, has_authorizer, is_draining;
	bool has_long_answers;
	enum { RETRY_NOTHING, RETRY_GETS, RETRY_PUTS, RETRY_EVERYTHING } retry;
	uint64_t queue_limit, queue_timeout_ms, request_timeout_ms;
	unsigned fault_count; /* deaths, broken connections: what may make a request fail */
	unsigned death_count;
	struct client clients[CLIENTS];
	struct actor actors[ACTORS_MAX];
	size_t actor_count;
	struct want *wants; /* owned: WANTS_MAX */
	size_t want_count;
	int32_t last_pid;
	uint32_t last_serial;
};

extern struct world world;

struct step {
	uint8_t kind;
	uint64_t number; /* what it does follows from it */
};

/* Begins a world, whose configuration follows from the number. */
void world_init(uint64_t number);
void world_step(const struct step *step);

/* All faults end: everything that was asked has to be answered, and nothing may be left. */
void world_end(void);

struct step step_of(uint64_t number);
const char *step_name(const struct step *step);

/* A request by its token, its number; and what belongs to it. */
unsigned token_of(const struct want *want);
void want_params(const struct want *want, struct buffer *params);
uint8_t body_byte(const struct want *want, size_t at);
uint8_t answer_byte(const struct want *want, unsigned attempt, size_t at);
/* Whether memory has failed since the world began: then anything may be broken off. */
bool has_lacked_memory(void);

/* Web servers. */
void web_connect(void);
void web_request(void);
void web_send(void);
void web_read(void);
void web_abort(void);
void web_leave(void);
void web_babble(void);
void web_change_pace(void);
/* All that can be sent and read, by slow ones too where that is wanted; true: something was. */
bool web_pump(bool with_slow);
/* Says which requests have got nothing, though they should have. */
void web_check_answered(void);
/* The byte at this place of the answer to a try. */

/* Applications. */
void app_accept(void);
void app_read(void);
void app_answer(void);
void app_close(void);
void app_babble(void);
bool app_pump(void);
void actor_die(struct actor *actor);
/* It ends by itself, as it was asked to: all that it has is answered. */
void actor_end(struct actor *actor);

/* The supervisor. */
void supervisor_kill(void);
void supervisor_tell(void);
void supervisor_babble(void);
void supervisor_drain(void);
void supervisor_stop_mux(void);
/* Brings all processes up; true: there was something to do. */
bool supervisor_pump(void);

/* How many bytes the mux has read of what the line of this attempt has sent. */
uint64_t attempt_taken(const struct attempt *attempt);

/* What has to hold inside the mux between any two turns. */
void check_mux(void);
/* The same, when nobody asks anything any more. */
void check_rest(void);
/* No request is overtaken by those behind it; the queue is new. */
void check_reset_queue(void);

#endif
