#include "mux/discovery.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "mux/backend.h"
#include "mux/mux.h"
#include "mux/probe.h"
#include "mux/proc.h"
#include "mux/proc_host.h"
#include "os/random.h"
#include "policy/discovery.h"

/* Those that are drained are nobody's any more. */
static void forget_gone(struct discovery *discovery)
{
	size_t kept = 0;

	for (size_t i = 0; i < discovery->host_count; i++)
		if (discovery->hosts[i].proc->state != PROC_GONE)
			discovery->hosts[kept++] = discovery->hosts[i];
	discovery->host_count = kept;
}

static struct proc_place place_of(const struct discovery *discovery,
				  const struct discovery_step *step)
{
	uint64_t weight = discovery->name.weight * step->share;

	return (struct proc_place){
		.tier = discovery->name.is_backup ? PROC_TIER_BACKUP : step->tier,
		.weight = BALANCE_WEIGHT_UNIT *
			  (unsigned)(weight < SERVER_WEIGHT_MAX ? weight : SERVER_WEIGHT_MAX),
	};
}

static void add_host(struct discovery *discovery, const struct discovery_step *step,
		     const struct address *address)
{
	struct discovered *host = &discovery->hosts[discovery->host_count];
	struct proc_place place = place_of(discovery, step);
	struct proc *proc = backend_take_proc(discovery->backend);
	char *error;

	/* The next answer has it too. */
	if (!proc)
		return;
	place.address = *address;
	error = proc_settle(proc, &place);
	free(error);
	if (error)
		return;
	log_info("%s: appears as a host of %s", proc->name, discovery->name.text);
	*host = (struct discovered){proc, step->priority, step->weight};
	discovery->host_count++;
	probe_start(proc);
}

static void keep_host(struct discovery *discovery, const struct discovery_step *step)
{
	struct discovered *host = &discovery->hosts[step->index];
	struct proc_place place = place_of(discovery, step);

	host->priority = step->priority;
	host->weight = step->weight;
	proc_rank(host->proc, place.tier, place.weight);
	if (!proc_is_leaving(host->proc))
		return;
	log_info("%s: is a host of %s again", host->proc->name, discovery->name.text);
	probe_start(host->proc);
}

static void drop_host(struct discovery *discovery, const struct discovery_step *step)
{
	struct proc *proc = discovery->hosts[step->index].proc;

	if (proc_is_leaving(proc))
		return;
	log_info("%s: is a host of %s no more", proc->name, discovery->name.text);
	proc_leave(proc);
}

static void apply(struct discovery *discovery, const struct discovery_plan *plan,
		  const struct lookup_answer *answer)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct discovery_step *step = &plan->steps[i];

		switch (step->kind) {
		case DISCOVERY_NEW:
			add_host(discovery, step, &answer->hosts[step->index].address);
			break;
		case DISCOVERY_KEPT:
			keep_host(discovery, step);
			break;
		case DISCOVERY_GONE:
			drop_host(discovery, step);
			break;
		}
	}
	backend_serve_later(discovery->backend);
}

static struct discovery_hosts view_known(const struct discovery *discovery,
					 struct discovery_host *items)
{
	for (size_t i = 0; i < discovery->host_count; i++) {
		const struct discovered *host = &discovery->hosts[i];

		items[i] = (struct discovery_host){
			.address = &host->proc->place.address,
			.priority = host->priority,
			.weight = host->weight,
			.is_leaving = proc_is_leaving(host->proc),
		};
	}
	return (struct discovery_hosts){items, discovery->host_count};
}

static struct discovery_hosts view_answer(const struct lookup_answer *answer,
					  struct discovery_host *items)
{
	for (size_t i = 0; i < answer->count; i++)
		items[i] = (struct discovery_host){
			.address = &answer->hosts[i].address,
			.priority = answer->hosts[i].priority,
			.weight = answer->hosts[i].weight,
		};
	return (struct discovery_hosts){items, answer->count};
}

/* Room for all that there may be afterwards. */
static bool make_room(struct discovery *discovery, size_t count)
{
	struct discovered *hosts =
		reallocarray(discovery->hosts, discovery->host_count + count, sizeof(*hosts));

	if (hosts)
		discovery->hosts = hosts;
	return hosts;
}

static bool take_hosts(struct discovery *discovery, const struct lookup_answer *answer)
{
	struct discovery_host *items =
		calloc(discovery->host_count + answer->count, sizeof(*items));
	struct discovery_plan plan;
	struct discovery_hosts known, came;
	int error = -ENOMEM;

	if (items && make_room(discovery, answer->count)) {
		known = view_known(discovery, items);
		came = view_answer(answer, items + known.count);
		error = discovery_plan_make(&plan, &known, &came, answer->is_partial,
					    LOOKUP_HOSTS_MAX);
	}
	if (error == 0) {
		apply(discovery, &plan, answer);
		discovery_plan_fini(&plan);
	}
	free(items);
	return error == 0;
}

static void fail(struct discovery *discovery, const char *failure)
{
	if (discovery->failures++ == 0)
		log_warnx("[%s] cannot look up %s: %s; going on with the %zu hosts that are known",
			  discovery->backend->settings->name, discovery->name.text, failure,
			  discovery->host_count);
	discovery->next_ms = loop_now_ms() + discovery_retry_ms(discovery->failures, random_draw());
}

static void succeed(struct discovery *discovery, const struct lookup_answer *answer)
{
	if (discovery->failures > 0)
		log_info("[%s] %s can be looked up again", discovery->backend->settings->name,
			 discovery->name.text);
	if (answer->left_out > 0)
		log_warnx("[%s] %s has more hosts than can be used: %zu are left out",
			  discovery->backend->settings->name, discovery->name.text,
			  answer->left_out);
	discovery->failures = 0;
	discovery->next_ms = loop_now_ms() + discovery_refresh_ms(answer->ttl_s, random_draw());
}

static void on_answer(struct lookup *lookup, const struct lookup_answer *answer)
{
	struct discovery *discovery = container_of(lookup, struct discovery, lookup);

	if (answer->failure)
		fail(discovery, answer->failure);
	else if (!take_hosts(discovery, answer))
		fail(discovery, "out of memory");
	else
		succeed(discovery, answer);
}

void discovery_init(struct discovery *discovery, struct backend *backend,
		    const struct backend_name *name)
{
	*discovery = (struct discovery){.backend = backend, .name = *name};
	lookup_init(&discovery->lookup, on_answer);
}

void discovery_fini(struct discovery *discovery)
{
	lookup_cancel(&discovery->lookup);
	free(discovery->hosts);
}

void discovery_tick(struct discovery *discovery)
{
	const struct backend_name *name = &discovery->name;
	struct resolver *resolver = discovery->backend->mux->resolver;

	if (lookup_is_running(&discovery->lookup) || loop_now_ms() < discovery->next_ms)
		return;
	forget_gone(discovery);
	if (name->is_service)
		lookup_services(&discovery->lookup, resolver, name->text);
	else
		lookup_hosts(&discovery->lookup, resolver, name->text, name->port);
}
