#include "os/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "os/loop.h"

enum { TIMEOUT_MS = 2000, TRIES = 3 };

/* What fits into a packet of any network: DNS flag day 2020. */
enum { UDP_SIZE = 1232 };

/* Questions at a time: sent at once, many more do not fit into the socket of who answers. */
enum { RUNNING_MAX = 64 };

/* c-ares has a socket of UDP and one of TCP for each server, or others in place of these. */
enum { WATCHES_OF_SERVER = 4 };

/* A socket of c-ares, which has some while there are questions. */
struct watch {
	struct loop_io io; /* its descriptor is -1: there is none */
	struct resolver *resolver;
};

struct resolver {
	ares_channel channel;
	struct ares_options options; /* in effect: of these, domains and ndots */
	struct watch *watches;	     /* owned; all there will ever be */
	size_t watch_count;
	struct loop_timer timeout; /* c-ares has something to give up */
	struct list questions;	   /* to be asked when there is room */
	unsigned running;	   /* questions that c-ares has */
	struct list users;
	struct list due; /* those to be called in the next turn */
	struct loop_timer turn;
};

/* A question as c-ares has it, until it calls back; it cannot take one back. */
struct resolver_wait {
	struct resolver *resolver;
	struct resolver_question *question; /* NULL: nobody waits any more */
};

static void update_timeout(struct resolver *resolver)
{
	struct timeval left;

	/* A millisecond more: it is over when we look. */
	if (ares_timeout(resolver->channel, NULL, &left))
		loop_timer_start(&resolver->timeout,
				 (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1);
	else
		loop_timer_stop(&resolver->timeout);
}

static void on_timeout(struct loop_timer *timer)
{
	struct resolver *resolver = container_of(timer, struct resolver, timeout);

	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	update_timeout(resolver);
}

static void on_ready(struct loop_io *io, int events)
{
	struct watch *watch = container_of(io, struct watch, io);
	struct resolver *resolver = watch->resolver;
	int fd = io->watcher.fd;

	ares_process_fd(resolver->channel, events & LOOP_READ ? fd : ARES_SOCKET_BAD,
			events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	update_timeout(resolver);
}

static struct watch *watch_find(const struct resolver *resolver, int fd)
{
	for (size_t i = 0; i < resolver->watch_count; i++)
		if (resolver->watches[i].io.watcher.fd == fd)
			return &resolver->watches[i];
	return NULL;
}

/* Called also from within on_ready, for the watch that is ready. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = arg;
	struct watch *watch = watch_find(resolver, fd);

	if (!watch && (readable || writable)) {
		watch = watch_find(resolver, -1);
		if (watch)
			loop_io_init(&watch->io, fd, on_ready);
	}
	/* Nobody looks at that socket then, and the question is given up in time. */
	if (!watch)
		return;
	loop_io_set(&watch->io, (readable ? LOOP_READ : 0) | (writable ? LOOP_WRITE : 0));
	if (!readable && !writable)
		loop_io_init(&watch->io, -1, on_ready);
}

/*
 * The sockets are ours from birth: c-ares would need fcntl(2), which the sandbox has not, and they
 * would be open in children for a moment.
 */
static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
	(void)arg;
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *arg)
{
	(void)arg;
	return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len,
			  void *arg)
{
	(void)arg;
	return connect(fd, address, len);
}

static ares_ssize_t receive(ares_socket_t fd, void *room, size_t size, int flags,
			    struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	(void)arg;
	return recvfrom(fd, room, size, flags, from, from_len);
}

static ares_ssize_t transmit(ares_socket_t fd, const struct iovec *parts, int count, void *arg)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
				 .msg_iovlen = (size_t)count};

	(void)arg;
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
	.asocket = open_socket,
	.aclose = close_socket,
	.aconnect = connect_socket,
	.arecvfrom = receive,
	.asendv = transmit,
};

static int open_channel(struct resolver *resolver)
{
	static char files_only[] = "f";
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS,
		.ednspsz = UDP_SIZE,
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		/* Of ares_getaddrinfo, which we use for /etc/hosts. */
		.lookups = files_only,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = resolver,
	};
	int unused, status;

	status = ares_init_options(&resolver->channel, &options,
				   ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
					   ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
					   ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS)
		return status;
	ares_set_socket_functions(resolver->channel, &socket_functions, NULL);
	return ares_save_options(resolver->channel, &resolver->options, &unused);
}

static bool set_server(struct ares_addr_port_node *node, const struct address *server)
{
	bool is_v4 = inet_pton(AF_INET, server->name, &node->addr.addr4) == 1;

	node->family = is_v4 ? AF_INET : AF_INET6;
	node->udp_port = node->tcp_port = server->port;
	return is_v4 || inet_pton(AF_INET6, server->name, &node->addr.addr6) == 1;
}

static int set_servers(struct resolver *resolver, const struct address *servers, size_t count)
{
	struct ares_addr_port_node *nodes = calloc(count, sizeof(*nodes));
	int status = nodes ? ARES_SUCCESS : ARES_ENOMEM;

	for (size_t i = 0; i < count && status == ARES_SUCCESS; i++) {
		nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
		if (!set_server(&nodes[i], &servers[i]))
			status = ARES_EBADSTR;
	}
	if (status == ARES_SUCCESS)
		status = ares_set_servers_ports(resolver->channel, nodes);
	free(nodes);
	return status;
}

static int make_watches(struct resolver *resolver)
{
	struct ares_addr_port_node *servers;
	int status = ares_get_servers_ports(resolver->channel, &servers);
	size_t count = 0;

	if (status != ARES_SUCCESS)
		return status;
	for (const struct ares_addr_port_node *node = servers; node; node = node->next)
		count += WATCHES_OF_SERVER;
	ares_free_data(servers);
	resolver->watches = calloc(count, sizeof(*resolver->watches));
	if (!resolver->watches)
		return ARES_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		resolver->watches[i].resolver = resolver;
		loop_io_init(&resolver->watches[i].io, -1, on_ready);
	}
	resolver->watch_count = count;
	return ARES_SUCCESS;
}

static void wake(struct resolver *resolver)
{
	if (!loop_timer_is_running(&resolver->turn))
		loop_timer_start(&resolver->turn, 0);
}

static const struct outcome {
	int status;
	enum resolver_reply_kind kind;
	const char *failure;
} outcomes[] = {
	{ARES_SUCCESS, RESOLVER_RECORDS, NULL},
	{ARES_ENODATA, RESOLVER_NONE, "the name has no such record"},
	{ARES_ENOTFOUND, RESOLVER_NONE, "there is no such name"},
	{ARES_EBADNAME, RESOLVER_NONE, "that cannot be a name"},
	{ARES_ETIMEOUT, RESOLVER_FAILED, "no name server answers in time"},
	/* Also where they answer that they fail, or that they are not to be asked. */
	{ARES_ECONNREFUSED, RESOLVER_FAILED, "all name servers fail"},
	{ARES_ENOMEM, RESOLVER_FAILED, "out of memory"},
};

static struct resolver_reply reply_of(int status, const uint8_t *bytes, int len)
{
	struct resolver_reply reply = {RESOLVER_FAILED, "the answer makes no sense", bytes,
				       (size_t)len};

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
		if (outcomes[i].status == status) {
			reply.kind = outcomes[i].kind;
			reply.failure = outcomes[i].failure;
		}
	return reply;
}

static void on_ares_reply(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
	struct resolver_wait *wait = arg;
	struct resolver *resolver = wait->resolver;
	struct resolver_question *question = wait->question;
	struct resolver_reply reply = reply_of(status, bytes, len);

	(void)timeouts;
	free(wait);
	resolver->running--;
	if (!list_is_empty(&resolver->questions))
		wake(resolver);
	if (!question)
		return;
	question->wait = NULL;
	question->on_reply(question, &reply);
}

/* The reply may come at once. */
static void start_question(struct resolver *resolver, struct resolver_question *question)
{
	struct resolver_wait *wait = malloc(sizeof(*wait));

	list_detach(&question->link);
	if (!wait) {
		struct resolver_reply reply = reply_of(ARES_ENOMEM, NULL, 0);

		question->on_reply(question, &reply);
		return;
	}
	*wait = (struct resolver_wait){resolver, question};
	question->wait = wait;
	resolver->running++;
	ares_query(resolver->channel, question->name, ns_c_in, (int)question->type, on_ares_reply,
		   wait);
}

static void start_questions(struct resolver *resolver)
{
	struct list *link;

	if (list_is_empty(&resolver->questions))
		return;
	while (resolver->running < RUNNING_MAX && (link = list_first(&resolver->questions)))
		start_question(resolver, container_of(link, struct resolver_question, link));
	update_timeout(resolver);
}

static void on_turn(struct loop_timer *timer)
{
	struct resolver *resolver = container_of(timer, struct resolver, turn);
	struct list now = LIST_INIT(now);
	struct list *link;

	/* Who asks for it again meanwhile is called in the turn after this. */
	while ((link = list_first(&resolver->due))) {
		list_detach(link);
		list_append(&now, link);
	}
	while ((link = list_first(&now))) {
		struct resolver_user *user = container_of(link, struct resolver_user, link);

		resolver_attach(resolver, user);
		user->on_turn(user);
	}
	start_questions(resolver);
}

struct resolver *resolver_new(const struct address *servers, size_t count, char **error)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int status;

	*error = NULL;
	if (!resolver)
		return NULL;
	list_init(&resolver->questions);
	list_init(&resolver->users);
	list_init(&resolver->due);
	loop_timer_init(&resolver->timeout, on_timeout);
	loop_timer_init(&resolver->turn, on_turn);
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = open_channel(resolver);
	if (status == ARES_SUCCESS && count > 0)
		status = set_servers(resolver, servers, count);
	if (status == ARES_SUCCESS)
		status = make_watches(resolver);
	if (status == ARES_SUCCESS)
		return resolver;
	*error = text_new("names cannot be looked up: %s", ares_strerror(status));
	resolver_free(resolver);
	return NULL;
}

static void free_users(struct list *users)
{
	struct list *link;

	while ((link = list_first(users))) {
		struct resolver_user *user = container_of(link, struct resolver_user, link);

		resolver_detach(user);
		user->on_free(user);
	}
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	free_users(&resolver->users);
	free_users(&resolver->due);
	if (resolver->channel)
		ares_destroy(resolver->channel);
	ares_destroy_options(&resolver->options);
	ares_library_cleanup();
	loop_timer_stop(&resolver->timeout);
	loop_timer_stop(&resolver->turn);
	free(resolver->watches);
	free(resolver);
}

static bool is_absolute(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && name[len - 1] == '.';
}

static int count_dots(const char *name)
{
	int count = 0;

	for (; *name; name++)
		count += *name == '.';
	return count;
}

size_t resolver_candidate_count(const struct resolver *resolver, const char *name)
{
	return is_absolute(name) ? 1 : 1 + (size_t)resolver->options.ndomains;
}

bool resolver_candidate(const struct resolver *resolver, const char *name, size_t number,
			char out[ADDRESS_HOST_MAX + 1])
{
	size_t domain_count = (size_t)resolver->options.ndomains;
	bool is_first = count_dots(name) >= resolver->options.ndots;
	const char *domain;

	/* As it was written: before all domains, or after them. */
	if (is_absolute(name) || number == (is_first ? 0 : domain_count))
		return text_format(out, ADDRESS_HOST_MAX + 1, "%s", name) == 0;
	domain = resolver->options.domains[is_first ? number - 1 : number];
	return text_format(out, ADDRESS_HOST_MAX + 1, "%s.%s", name,
			   domain[0] == '.' ? domain + 1 : domain) == 0;
}

void resolver_question_init(struct resolver_question *question, enum dns_type type,
			    void (*on_reply)(struct resolver_question *,
					     const struct resolver_reply *))
{
	*question = (struct resolver_question){.on_reply = on_reply, .type = type};
	list_init(&question->link);
}

void resolver_ask(struct resolver *resolver, struct resolver_question *question, const char *name)
{
	question->name = name;
	list_append(&resolver->questions, &question->link);
	wake(resolver);
}

void resolver_question_cancel(struct resolver_question *question)
{
	list_detach(&question->link);
	if (question->wait)
		question->wait->question = NULL;
	question->wait = NULL;
}

/* Who is told of what /etc/hosts has. */
struct hosts_reader {
	void (*on_literal)(void *arg, const uint8_t *literal, enum dns_type type);
	void *arg;
};

static void tell_literal(const struct hosts_reader *reader, const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->sa_family == AF_INET)
		reader->on_literal(reader->arg, (const uint8_t *)&v4->sin_addr, DNS_A);
	else if (address->sa_family == AF_INET6)
		reader->on_literal(reader->arg, (const uint8_t *)&v6->sin6_addr, DNS_AAAA);
}

/* Always called before ares_getaddrinfo returns: it looks into files only. */
static void on_hosts_read(void *arg, int status, int timeouts, struct ares_addrinfo *hosts)
{
	(void)timeouts;
	if (status != ARES_SUCCESS)
		return;
	for (const struct ares_addrinfo_node *node = hosts->nodes; node; node = node->ai_next)
		tell_literal(arg, node->ai_addr);
	ares_freeaddrinfo(hosts);
}

void resolver_read_hosts(struct resolver *resolver, const char *name,
			 void (*on_literal)(void *, const uint8_t *, enum dns_type), void *arg)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT | ARES_AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct hosts_reader reader = {on_literal, arg};

	ares_getaddrinfo(resolver->channel, name, NULL, &hints, on_hosts_read, &reader);
}

void resolver_attach(struct resolver *resolver, struct resolver_user *user)
{
	list_detach(&user->link);
	list_append(&resolver->users, &user->link);
}

void resolver_detach(struct resolver_user *user)
{
	list_detach(&user->link);
}

void resolver_call_soon(struct resolver *resolver, struct resolver_user *user)
{
	list_detach(&user->link);
	list_append(&resolver->due, &user->link);
	wake(resolver);
}
