#ifndef FLEET_HOST_H
#define FLEET_HOST_H

#include "base/address.h"
#include "fleet.h"

/*
 * A machine: an fcgi-mux with a fair queue over its workers, each of which serves one request at a
 * time. DEAD: nothing gets through to it. CLOSED: it finishes what it has, and refuses connections.
 */
enum host_state { HOST_UP, HOST_DEAD, HOST_CLOSED };

struct host {
	struct fleet *fleet; /* borrowed */
	struct address address;
	enum host_state state;
	bool is_listed;	    /* in the answers of the name server */
	unsigned slowness;  /* how many times as long as elsewhere everything takes */
	uint64_t warm_from; /* ticks: until then its caches are cold, and all takes longer */
	unsigned busy;
	struct queue queue;
	struct queue_source *sources; /* owned: one for each front, and one for what is pinned */
	struct list requests;	      /* that it has */
};

void host_init(struct host *host, struct fleet *fleet, size_t number);
void host_fini(struct host *host);

/* A request arrives; host_is_reachable is true. */
void host_take(struct host *host, struct request *request);

static inline bool host_is_reachable(const struct host *host)
{
	return host->state == HOST_UP;
}

/* What it says of itself when it is asked. */
static inline uint32_t host_load(const struct host *host)
{
	return (uint32_t)(host->busy + host->queue.count);
}

/* All that it has is gone: its fronts notice later. */
void host_die(struct host *host);
void host_revive(struct host *host);

#endif
