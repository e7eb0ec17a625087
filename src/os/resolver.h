#ifndef OS_RESOLVER_H
#define OS_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/list.h"
#include "os/dns.h"

/*
 * The name servers, asked without ever waiting: c-ares on the loop, and its only user. A question
 * is one name and one type; what a host is, os/lookup makes of the replies.
 *
 * What c-ares reads of the machine (/etc/resolv.conf, RES_OPTIONS, ...) it reads in resolver_new,
 * which comes before the sandbox; later only /etc/hosts, each time. Its sockets are UDP, and TCP
 * for what does not fit. A question has three tries, after 2, 4 and 8 seconds.
 */
struct resolver;

/*
 * Questions go to these servers, whose hosts are literals; count 0: those of the system. NULL, and
 * a sentence in *error that the caller frees, or NULL there too: no memory. After loop_init.
 */
struct resolver *resolver_new(const struct address *servers, size_t count, char **error)
	__attribute__((warn_unused_result));

/* Lookups and questions that run end without a word. Never from within on_answer. NULL: nothing. */
void resolver_free(struct resolver *resolver);

/* The full names that a name as it was written may stand for, as resolv.conf(5) has it. */
size_t resolver_candidate_count(const struct resolver *resolver, const char *name);

/* That of this number, in the order to try; false: it is too long. */
bool resolver_candidate(const struct resolver *resolver, const char *name, size_t number,
			char out[ADDRESS_HOST_MAX + 1]) __attribute__((warn_unused_result));

enum resolver_reply_kind {
	RESOLVER_RECORDS, /* there are some: bytes and len are the message */
	RESOLVER_NONE,	  /* there is no such name, or nothing of this type */
	RESOLVER_FAILED,  /* nobody knows */
};

struct resolver_reply {
	enum resolver_reply_kind kind;
	const char *failure; /* static, part of a sentence; NULL: RESOLVER_RECORDS */
	const uint8_t *bytes;
	size_t len;
};

/* Lives in its owner. */
struct resolver_question {
	void (*on_reply)(struct resolver_question *question, const struct resolver_reply *reply);
	const char *name; /* borrowed until the reply comes */
	enum dns_type type;
	struct list link;	    /* while others are asked first */
	struct resolver_wait *wait; /* owned by c-ares; NULL: it is not asked */
};

void resolver_question_init(struct resolver_question *question, enum dns_type type,
			    void (*on_reply)(struct resolver_question *,
					     const struct resolver_reply *));

/*
 * Asks for a full name, in a later turn of the loop: so many run at once as a name server, and the
 * socket, take without a loss. One that is asked already must have had its reply.
 */
void resolver_ask(struct resolver *resolver, struct resolver_question *question, const char *name);

/* No reply comes any more. */
void resolver_question_cancel(struct resolver_question *question);

/* Each address that /etc/hosts has of a name: 4 or 16 bytes in network order. */
void resolver_read_hosts(struct resolver *resolver, const char *name,
			 void (*on_literal)(void *arg, const uint8_t *literal, enum dns_type type),
			 void *arg);

/* Who is called in the next turn of the loop, where it asked for that, and by resolver_free. */
struct resolver_user {
	struct list link;
	void (*on_turn)(struct resolver_user *user);
	void (*on_free)(struct resolver_user *user);
};

void resolver_attach(struct resolver *resolver, struct resolver_user *user);
void resolver_detach(struct resolver_user *user);
void resolver_call_soon(struct resolver *resolver, struct resolver_user *user);

#endif
