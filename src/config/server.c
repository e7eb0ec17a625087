#include "config/server.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { TEXT_SIZE = ADDRESS_TEXT_SIZE + 64, NAME_LEN_MAX = 253, LABEL_LEN_MAX = 63, DNS_PORT = 53 };

static const char blanks[] = " \t";

static const char *take_word(struct server *server, const char *word)
{
	static const char weight[] = "weight=";

	if (strcmp(word, "backup") == 0) {
		server->is_backup = true;
		return NULL;
	}
	if (strncmp(word, weight, sizeof(weight) - 1) != 0)
		return "behind an address stand weight=N, backup, both or nothing";
	if (text_parse_number(word + sizeof(weight) - 1, 1, SERVER_WEIGHT_MAX, &server->weight) < 0)
		return "weight is a number from 1 to 256";
	return NULL;
}

const char *server_parse(const char *text, struct server *server)
{
	char words[TEXT_SIZE], *rest = NULL, *word;
	const char *fault;

	*server = (struct server){.weight = 1};
	if (text_format(words, sizeof(words), "%s", text) < 0)
		return "it is too long";
	word = strtok_r(words, blanks, &rest);
	fault = address_parse(word ? word : "", &server->address);
	while (!fault && (word = strtok_r(NULL, blanks, &rest)))
		fault = take_word(server, word);
	return fault;
}

bool server_is_name(const struct server *server)
{
	const struct address *address = &server->address;

	return address->kind == ADDRESS_TCP && !address_is_literal(address) &&
	       strcasecmp(address->name, "localhost") != 0;
}

const char *name_server_parse(const char *text, struct address *address)
{
	/* What is no address alone has a port. */
	if (address_set_host(address, text, DNS_PORT) != NULL || !address_is_literal(address)) {
		const char *fault = address_parse(text, address);

		if (fault)
			return fault;
	}
	return address_is_literal(address)
		       ? NULL
		       : "a name server is given by its address: 192.0.2.53 or [2001:db8::53]:53";
}

/* Bytes of the label at the beginning of text; 0: there is none. */
static size_t label_len(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '-' || text[len] == '_')
		len++;
	return len <= LABEL_LEN_MAX ? len : 0;
}

const char *service_name_fault(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > NAME_LEN_MAX)
		return "the name of a service has 1 to 253 bytes";
	while (*text) {
		len = label_len(text);
		if (len == 0 || (text[len] != '\0' && text[len] != '.'))
			return "not a name such as _php._tcp.example.org";
		text += len + (text[len] == '.');
	}
	return NULL;
}
