#include "os/lookup_work.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct lookup_answer no_memory = {.failure = "out of memory"};

struct lookup_work *lookup_work_new(struct lookup *lookup, struct resolver *resolver,
				    const char *name)
{
	struct lookup_work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->lookup = lookup;
	work->resolver = resolver;
	resolver_question_init(&work->question, DNS_SRV, NULL);
	work->ttl_s = UINT32_MAX;
	work->failure = "the name is too long";
	/* One that does not fit is none that anybody can have. */
	if (text_format(work->name, sizeof(work->name), "%s", name) < 0)
		work->candidate = SIZE_MAX;
	return work;
}

void lookup_work_free(struct lookup_work *work)
{
	if (!work)
		return;
	resolver_question_cancel(&work->question);
	for (size_t i = 0; i < work->target_count; i++) {
		for (size_t j = 0; j < LOOKUP_FAMILIES; j++)
			resolver_question_cancel(&work->targets[i].families[j].question);
		host_set_fini(&work->targets[i].literals);
	}
	free(work->targets);
	free(work->services);
	free(work);
}

void lookup_target_add(struct lookup_target *target, const uint8_t *literal, enum dns_type type)
{
	struct host_item item = {.type = type};

	memcpy(item.literal, literal, type == DNS_A ? 4 : sizeof(item.literal));
	if (host_set_add(&target->literals, &item) < 0)
		target->work->is_short = true;
}

static void note_nonsense(struct lookup_work *work)
{
	work->is_partial = true;
	if (work->failed == 0)
		work->failure = "the answer makes no sense";
}

bool lookup_work_next(struct lookup_work *work, struct dns_reader *reader,
		      struct dns_record *record)
{
	enum dns_result result = dns_reader_next(reader, record);

	if (result == DNS_BAD)
		note_nonsense(work);
	if (result == DNS_RECORD && record->ttl_s < work->ttl_s)
		work->ttl_s = record->ttl_s;
	return result == DNS_RECORD;
}

bool lookup_work_open(struct lookup_work *work, struct dns_reader *reader,
		      const struct resolver_reply *reply)
{
	bool is_good = dns_reader_init(reader, reply->bytes, reply->len);

	if (!is_good)
		note_nonsense(work);
	else if (work->failed == 0)
		work->failure = "the name has no such record";
	return is_good;
}

/* The aliases on the way are the server's affair. */
static void take_literals(struct lookup_family *family, const struct resolver_reply *reply)
{
	struct lookup_work *work = family->target->work;
	struct dns_reader reader;
	struct dns_record record;

	if (!lookup_work_open(work, &reader, reply))
		return;
	while (lookup_work_next(work, &reader, &record))
		if (record.section == DNS_ANSWER && record.type == family->question.type)
			lookup_target_add(family->target, record.literal, record.type);
}

void lookup_work_count(struct lookup_work *work, const struct resolver_reply *reply)
{
	/* That of a name server that fails says more than that there is nothing. */
	if (reply->failure && work->failed == 0)
		work->failure = reply->failure;
	if (reply->kind == RESOLVER_FAILED)
		work->failed++;
	work->running--;
	resolver_call_soon(work->resolver, &work->lookup->user);
}

static void on_literals(struct resolver_question *question, const struct resolver_reply *reply)
{
	struct lookup_family *family = container_of(question, struct lookup_family, question);

	if (reply->kind == RESOLVER_RECORDS)
		take_literals(family, reply);
	if (reply->kind == RESOLVER_FAILED)
		family->target->work->is_unknown[question->type == DNS_AAAA] = true;
	lookup_work_count(family->target->work, reply);
}

void lookup_target_init(struct lookup_target *target, struct lookup_work *work, const char *name)
{
	static const enum dns_type types[LOOKUP_FAMILIES] = {DNS_A, DNS_AAAA};

	target->work = work;
	(void)text_format(target->name, sizeof(target->name), "%s", name);
	for (size_t i = 0; i < LOOKUP_FAMILIES; i++) {
		target->families[i].target = target;
		resolver_question_init(&target->families[i].question, types[i], on_literals);
	}
}

void lookup_family_ask(struct lookup_family *family, const char *name)
{
	struct lookup_work *work = family->target->work;

	work->running++;
	resolver_ask(work->resolver, &family->question, name);
}

void lookup_work_try(struct lookup_work *work)
{
	while (work->candidate < resolver_candidate_count(work->resolver, work->name)) {
		if (!resolver_candidate(work->resolver, work->name, work->candidate++,
					work->full_name))
			continue;
		work->ask(work);
		return;
	}
	lookup_work_finish(work);
}

static void gather_service(struct lookup_work *work, struct host_set *found,
			   const struct lookup_service *service)
{
	const struct host_set *literals = &work->targets[service->target].literals;

	for (size_t i = 0; i < literals->count; i++) {
		struct host_item item = literals->items[i];

		item.port = service->port;
		item.priority = service->priority;
		item.weight = service->weight;
		if (host_set_add(found, &item) < 0)
			work->is_short = true;
	}
}

static void gather(struct lookup_work *work, struct host_set *found)
{
	for (size_t i = 0; i < work->service_count; i++)
		gather_service(work, found, &work->services[i]);
	host_set_finish(found, LOOKUP_HOSTS_MAX);
}

/* What is not known may be some that were there. */
static void judge(struct lookup_work *work, const struct host_set *found)
{
	bool *had_hosts = work->lookup->had_hosts;

	for (size_t i = 0; i < found->count; i++)
		had_hosts[found->items[i].type == DNS_AAAA] = true;
	for (size_t i = 0; i < LOOKUP_FAMILIES; i++)
		work->is_partial |= work->is_unknown[i] && had_hosts[i];
}

static void format_host(struct lookup_host *host, const struct host_item *item)
{
	int family = item->type == DNS_A ? AF_INET : AF_INET6;

	host->address.kind = ADDRESS_TCP;
	host->address.port = item->port;
	(void)inet_ntop(family, item->literal, host->address.name, sizeof(host->address.name));
	host->priority = item->priority;
	host->weight = item->weight;
}

static void tell_hosts(struct lookup_work *work, const struct host_set *found)
{
	struct lookup_host *hosts = calloc(found->count, sizeof(*hosts));
	struct lookup_answer answer = {
		.hosts = hosts,
		.count = found->count,
		.left_out = found->left_out,
		.ttl_s = work->ttl_s,
		.is_partial = work->is_partial,
	};

	for (size_t i = 0; i < found->count && hosts; i++)
		format_host(&hosts[i], &found->items[i]);
	if (!hosts)
		answer = no_memory;
	lookup_end(work->lookup, &answer);
	free(hosts);
}

void lookup_work_finish(struct lookup_work *work)
{
	const struct lookup_answer nothing = {.failure = work->failure};
	struct host_set found = {0};

	gather(work, &found);
	judge(work, &found);
	if (work->is_short)
		lookup_end(work->lookup, &no_memory);
	else if (found.count > 0)
		tell_hosts(work, &found);
	else
		lookup_end(work->lookup, &nothing);
	host_set_fini(&found);
	lookup_work_free(work);
}
