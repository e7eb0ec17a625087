#include "os/lookup.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "os/lookup_work.h"

/* Questions of one lookup at a time, so that the others get their turn. */
enum { RUNNING_MAX = 32 };

/* So many targets without a reply, and the name servers are not asked for the rest. */
enum { FAILED_MAX = 64 };

static void ask_addresses(struct lookup_work *work)
{
	for (size_t i = 0; i < LOOKUP_FAMILIES; i++)
		lookup_family_ask(&work->targets->families[i], work->full_name);
}

static void judge_addresses(struct lookup_work *work)
{
	if (work->running > 0)
		return;
	if (work->targets->literals.count > 0 || work->failed > 0 || work->is_partial)
		lookup_work_finish(work);
	else
		lookup_work_try(work);
}

static void add_file_host(void *arg, const uint8_t *literal, enum dns_type type)
{
	lookup_target_add(arg, literal, type);
}

static void begin_hosts(struct lookup_work *work)
{
	struct lookup_target *target = work->targets;
	uint8_t literal[DNS_LITERAL_MAX];

	work->step = judge_addresses;
	if (inet_pton(AF_INET, work->name, literal) == 1) {
		lookup_target_add(target, literal, DNS_A);
	} else if (inet_pton(AF_INET6, work->name, literal) == 1) {
		lookup_target_add(target, literal, DNS_AAAA);
	} else {
		resolver_read_hosts(work->resolver, work->name, add_file_host, target);
		work->ttl_s = LOOKUP_FILE_TTL_S;
	}
	if (target->literals.count > 0 || work->is_short) {
		lookup_work_finish(work);
		return;
	}
	work->ttl_s = UINT32_MAX;
	lookup_work_try(work);
}

static void add_service(struct lookup_work *work, const struct dns_record *record)
{
	struct lookup_service *service;

	if (work->service_count == work->service_size) {
		size_t size = work->service_size > 0 ? 2 * work->service_size : 16;
		struct lookup_service *services =
			reallocarray(work->services, size, sizeof(*services));

		if (!services) {
			work->is_short = true;
			return;
		}
		work->services = services;
		work->service_size = size;
	}
	service = &work->services[work->service_count++];
	*service = (struct lookup_service){
		.port = record->port, .priority = record->priority, .weight = record->weight};
	(void)text_format(service->name, sizeof(service->name), "%s", record->target);
}

static void take_services(struct lookup_work *work, const struct resolver_reply *reply)
{
	struct dns_reader reader;
	struct dns_record record;

	if (!lookup_work_open(work, &reader, reply))
		return;
	while (lookup_work_next(work, &reader, &record)) {
		if (record.section != DNS_ANSWER)
			continue;
		if (record.type == DNS_SRV && record.target[0] == '\0')
			work->failure = "there is no such service";
		else if (record.type == DNS_SRV && record.port != 0)
			add_service(work, &record);
	}
}

static int compare_services(const void *one, const void *other)
{
	const struct lookup_service *a = one, *b = other;

	return strcmp(a->name, b->name);
}

/* Each name of a target once. */
static void make_targets(struct lookup_work *work)
{
	if (work->service_count == 0)
		return;
	qsort(work->services, work->service_count, sizeof(*work->services), compare_services);
	work->targets = calloc(work->service_count, sizeof(*work->targets));
	if (!work->targets) {
		work->is_short = true;
		work->service_count = 0;
		return;
	}
	for (size_t i = 0; i < work->service_count; i++) {
		struct lookup_service *service = &work->services[i];

		if (i == 0 || strcmp(service->name, service[-1].name) != 0)
			lookup_target_init(&work->targets[work->target_count++], work,
					   service->name);
		service->target = work->target_count - 1;
	}
}

static int compare_name(const void *name, const void *target)
{
	return strcmp(name, ((const struct lookup_target *)target)->name);
}

/*
 * Addresses that came with the services. Of each family of each target there are all or none: what
 * is not there has to be asked for, as it may only not have fitted in.
 */
static void take_additional(struct lookup_work *work, const struct resolver_reply *reply)
{
	struct dns_reader reader;
	struct dns_record record;

	if (work->target_count == 0 || !lookup_work_open(work, &reader, reply))
		return;
	while (lookup_work_next(work, &reader, &record)) {
		struct lookup_target *target =
			bsearch(record.owner, work->targets, work->target_count, sizeof(*target),
				compare_name);
		bool is_v6 = record.type == DNS_AAAA;

		if (record.section != DNS_ADDITIONAL || !target || (!is_v6 && record.type != DNS_A))
			continue;
		target->families[is_v6].is_known = true;
		lookup_target_add(target, record.literal, record.type);
	}
}

static void ask_targets(struct lookup_work *work)
{
	size_t count = work->target_count * LOOKUP_FAMILIES;

	while (work->next_family < count && work->running < RUNNING_MAX &&
	       work->failed < FAILED_MAX) {
		struct lookup_target *target = &work->targets[work->next_family / LOOKUP_FAMILIES];
		struct lookup_family *family =
			&target->families[work->next_family++ % LOOKUP_FAMILIES];

		if (!family->is_known)
			lookup_family_ask(family, target->name);
	}
	if (work->running > 0)
		return;
	/* Not all were asked for. */
	work->is_partial |= work->next_family < count;
	if (work->failed == 0 && count > 0)
		work->failure = "no target of the service has an address";
	lookup_work_finish(work);
}

static void on_services(struct resolver_question *question, const struct resolver_reply *reply)
{
	struct lookup_work *work = container_of(question, struct lookup_work, question);

	if (reply->kind == RESOLVER_RECORDS) {
		take_services(work, reply);
		make_targets(work);
		take_additional(work, reply);
		work->step = ask_targets;
	}
	lookup_work_count(work, reply);
}

static void ask_services(struct lookup_work *work)
{
	work->running++;
	resolver_ask(work->resolver, &work->question, work->full_name);
}

/* There is no record, or nobody knows. */
static void judge_services(struct lookup_work *work)
{
	if (work->running > 0)
		return;
	if (work->failed > 0)
		lookup_work_finish(work);
	else
		lookup_work_try(work);
}

static void begin_services(struct lookup_work *work)
{
	work->step = judge_services;
	lookup_work_try(work);
}

void lookup_end(struct lookup *lookup, const struct lookup_answer *answer)
{
	lookup->is_running = false;
	lookup->work = NULL;
	resolver_detach(&lookup->user);
	lookup->on_answer(lookup, answer);
}

static void on_turn(struct resolver_user *user)
{
	struct lookup *lookup = container_of(user, struct lookup, user);
	const struct lookup_answer no_memory = {.failure = "out of memory"};

	if (lookup->work)
		lookup->work->step(lookup->work);
	else
		lookup_end(lookup, &no_memory);
}

static void on_free(struct resolver_user *user)
{
	lookup_cancel(container_of(user, struct lookup, user));
}

void lookup_init(struct lookup *lookup,
		 void (*on_answer)(struct lookup *, const struct lookup_answer *))
{
	*lookup = (struct lookup){
		.on_answer = on_answer, .user.on_turn = on_turn, .user.on_free = on_free};
	list_init(&lookup->user.link);
}

/* work: NULL: there was no memory, as the lookup says in its turn. */
static void begin(struct lookup *lookup, struct resolver *resolver, struct lookup_work *work)
{
	assert(!lookup->is_running);
	lookup->is_running = true;
	lookup->work = work;
	resolver_call_soon(resolver, &lookup->user);
}

/* A host is a service with one target. */
static bool add_host(struct lookup_work *work, const char *name, uint16_t port)
{
	work->services = calloc(1, sizeof(*work->services));
	work->targets = calloc(1, sizeof(*work->targets));
	if (!work->services || !work->targets)
		return false;
	work->services[0] = (struct lookup_service){.port = port, .weight = 1};
	work->service_count = work->service_size = 1;
	lookup_target_init(&work->targets[0], work, name);
	work->target_count = 1;
	return true;
}

void lookup_hosts(struct lookup *lookup, struct resolver *resolver, const char *name, uint16_t port)
{
	struct lookup_work *work = lookup_work_new(lookup, resolver, name);

	if (work && !add_host(work, name, port)) {
		lookup_work_free(work);
		work = NULL;
	}
	if (work) {
		work->step = begin_hosts;
		work->ask = ask_addresses;
	}
	begin(lookup, resolver, work);
}

void lookup_services(struct lookup *lookup, struct resolver *resolver, const char *name)
{
	struct lookup_work *work = lookup_work_new(lookup, resolver, name);

	if (work) {
		work->step = begin_services;
		work->ask = ask_services;
		work->question.on_reply = on_services;
	}
	begin(lookup, resolver, work);
}

bool lookup_is_running(const struct lookup *lookup)
{
	return lookup->is_running;
}

void lookup_cancel(struct lookup *lookup)
{
	lookup_work_free(lookup->work);
	lookup->work = NULL;
	lookup->is_running = false;
	resolver_detach(&lookup->user);
}
