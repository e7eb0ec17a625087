#include "load_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "fcgi/params.h"

enum { PARAMS_ROOM = 32768, SLEEP_LEN = 8, BODY_PIECE = 65528 };

/* What a web server says of a small page. */
static const char *const usual_params[] = {
	"GATEWAY_INTERFACE=CGI/1.1",
	"SERVER_SOFTWARE=fcgi-load",
	"SERVER_PROTOCOL=HTTP/1.1",
	"QUERY_STRING=",
	"CONTENT_TYPE=",
	"SCRIPT_FILENAME=/srv/www/bench.php",
	"SCRIPT_NAME=/bench.php",
	"REQUEST_URI=/bench.php",
	"DOCUMENT_URI=/bench.php",
	"DOCUMENT_ROOT=/srv/www",
	"REQUEST_SCHEME=http",
	"REMOTE_ADDR=127.0.0.1",
	"REMOTE_PORT=49152",
	"SERVER_ADDR=127.0.0.1",
	"SERVER_PORT=80",
	"SERVER_NAME=localhost",
	"HTTP_HOST=localhost",
	"HTTP_ACCEPT=*/*",
};

/* "NAME=VALUE"; NULL where it does not fit. Returns behind it, as the encoders do. */
static uint8_t *put_param(uint8_t *out, const uint8_t *limit, const char *text)
{
	const char *equals = strchr(text, '=');
	struct param param = {.name = text, .value = equals + 1};

	param.name_len = (size_t)(equals - text);
	param.value_len = strlen(param.value);
	if (!out || params_encoded_len(param.name_len, param.value_len) > (size_t)(limit - out))
		return NULL;
	return params_encode(out, &param);
}

/* With zeroes before it to the width. */
static uint8_t *put_number(uint8_t *out, const uint8_t *limit, const char *name, size_t number,
			   int width)
{
	char text[64];

	snprintf(text, sizeof(text), "%s=%0*zu", name, width, number);
	return put_param(out, limit, text);
}

/* Returns behind them, or NULL. Token and service time are marks yet. */
static uint8_t *put_params(struct load_recipe *recipe, uint8_t *out)
{
	const struct load_options *options = recipe->options;
	const uint8_t *limit = out + PARAMS_ROOM;
	char method[64];

	for (size_t i = 0; i < sizeof(usual_params) / sizeof(usual_params[0]); i++)
		out = put_param(out, limit, usual_params[i]);
	snprintf(method, sizeof(method), "REQUEST_METHOD=%s", options->method);
	out = put_param(out, limit, method);
	out = put_number(out, limit, "CONTENT_LENGTH", options->body_len, 1);
	out = put_number(out, limit, "BENCH_ANSWER", options->answer_len, 1);
	out = put_number(out, limit, "BENCH_TOKEN", 0, TOKEN_LEN);
	if (out)
		recipe->token_at = (size_t)(out - recipe->head) - TOKEN_LEN;
	out = put_number(out, limit, "BENCH_SLEEP", 0, SLEEP_LEN);
	if (out)
		recipe->sleep_at = (size_t)(out - recipe->head) - SLEEP_LEN;
	for (size_t i = 0; i < options->param_count; i++)
		out = put_param(out, limit, options->params[i]);
	return out;
}

static bool build_head(struct load_recipe *recipe)
{
	uint8_t *params, *end;
	size_t len;

	recipe->head = malloc(RECORD_BEGIN_LEN + PARAMS_ROOM + 2 * RECORD_HEADER_LEN);
	if (!recipe->head)
		return false;
	params = record_begin_encode(recipe->head, 1, RECORD_RESPONDER,
				     recipe->options->keeps ? RECORD_FLAG_KEEP_CONN : 0);
	end = put_params(recipe, params + RECORD_HEADER_LEN);
	if (!end)
		return false;
	len = (size_t)(end - params) - RECORD_HEADER_LEN;
	record_header_encode(params, RECORD_PARAMS, 1, (uint16_t)len);
	end = record_header_encode(end, RECORD_PARAMS, 1, 0);
	recipe->head_len = (size_t)(end - recipe->head);
	return true;
}

static uint8_t *build_body(const struct load_recipe *recipe, uint16_t id)
{
	uint8_t *body = malloc(recipe->body_len), *end = body;

	for (size_t place = 0; body && place < recipe->options->body_len;) {
		size_t len = walk_least(recipe->options->body_len - place, BODY_PIECE);

		end = record_header_encode(end, RECORD_STDIN, id, (uint16_t)len);
		memcpy(end, pattern_at(&recipe->pattern, place), len);
		end += len;
		place += len;
	}
	if (body)
		record_header_encode(end, RECORD_STDIN, id, 0);
	return body;
}

bool load_recipe_init(struct load_recipe *recipe, const struct load_options *options)
{
	size_t records = (options->body_len + BODY_PIECE - 1) / BODY_PIECE + 1;

	*recipe = (struct load_recipe){.options = options};
	pattern_init(&recipe->pattern);
	recipe->body_len = options->body_len + records * RECORD_HEADER_LEN;
	recipe->bodies = calloc(UINT16_MAX + 1, sizeof(*recipe->bodies));
	recipe->verdict_len = (size_t)snprintf(recipe->verdict, sizeof(recipe->verdict),
					       " body=%zu good\n", options->body_len);
	return recipe->bodies && build_head(recipe);
}

void load_recipe_fini(struct load_recipe *recipe)
{
	for (size_t id = 0; recipe->bodies && id <= UINT16_MAX; id++)
		free(recipe->bodies[id]);
	free(recipe->bodies);
	free(recipe->head);
}

/* In every record of the head. */
static void set_id(uint8_t *head, size_t len, uint16_t id)
{
	for (size_t at = 0; at < len;) {
		record_set_id(head + at, id);
		at += RECORD_HEADER_LEN + get_be16(head + at + 4);
	}
}

bool load_request_init(struct load_request *request, struct load_recipe *recipe, uint16_t id)
{
	*request = (struct load_request){.head = malloc(recipe->head_len)};
	list_init(&request->link);
	if (!request->head)
		return false;
	memcpy(request->head, recipe->head, recipe->head_len);
	set_id(request->head, recipe->head_len, id);
	if (!recipe->bodies[id])
		recipe->bodies[id] = build_body(recipe, id);
	request->body = recipe->bodies[id];
	return request->body;
}

void load_request_fini(struct load_request *request)
{
	free(request->head);
}

static void put_hex(uint8_t *out, uint64_t number)
{
	for (size_t i = TOKEN_LEN; i-- > 0; number >>= 4)
		out[i] = (uint8_t) "0123456789abcdef"[number & 15];
}

static void put_decimal(uint8_t *out, uint64_t number)
{
	for (size_t i = SLEEP_LEN; i-- > 0; number /= 10)
		out[i] = (uint8_t)('0' + number % 10);
}

void load_request_start(struct load_request *request, const struct load_recipe *recipe,
			uint64_t token)
{
	put_hex(request->head + recipe->token_at, token);
	put_decimal(request->head + recipe->sleep_at,
		    recipe->options->classes[request->class].service_ms * 1000);
	request->sent = 0;
	request->is_active = true;
	request->answer_head_len = request->body_place = 0;
	request->is_in_body = request->is_wrong = false;
	request->status = 200;
}

/* The line that stands before the pattern. */
static bool is_verdict(const struct load_request *request, const struct load_recipe *recipe,
		       const char *line, size_t len)
{
	static const char begin[] = "token=";
	const size_t begin_len = sizeof(begin) - 1;

	return len == begin_len + TOKEN_LEN + recipe->verdict_len &&
	       memcmp(line, begin, begin_len) == 0 &&
	       memcmp(line + begin_len, request->head + recipe->token_at, TOKEN_LEN) == 0 &&
	       memcmp(line + begin_len + TOKEN_LEN, recipe->verdict, recipe->verdict_len) == 0;
}

static void read_status(struct load_request *request, const char *blank_line)
{
	static const char name[] = "Status: ";
	const char *status =
		memmem(request->answer_head, (size_t)(blank_line - request->answer_head), name,
		       sizeof(name) - 1);

	if (status)
		request->status = (unsigned)strtoul(status + sizeof(name) - 1, NULL, 10);
}

/* Looks whether the head and the line behind it are there. */
static void read_head(struct load_request *request, const struct load_recipe *recipe)
{
	const char *end = request->answer_head + request->answer_head_len;
	const char *blank_line =
		memmem(request->answer_head, request->answer_head_len, "\r\n\r\n", 4);
	const char *line, *line_end;

	if (!blank_line)
		return;
	read_status(request, blank_line);
	line = blank_line + 4;
	line_end = memchr(line, '\n', (size_t)(end - line));
	/* An answer of somebody else's may be without that line. */
	if (!line_end && request->status == 200 && !recipe->options->takes_any)
		return;
	request->is_in_body = true;
	if (!recipe->options->takes_any)
		request->is_wrong = !line_end || !is_verdict(request, recipe, line,
							     (size_t)(line_end + 1 - line));
}

/* Byte by byte to the line's end: what follows must stay for the pattern. */
static size_t take_head(struct load_request *request, const struct load_recipe *recipe,
			const uint8_t *bytes, size_t len)
{
	size_t used = 0;

	while (used < len && !request->is_in_body && !request->is_wrong) {
		const uint8_t *newline = memchr(bytes + used, '\n', len - used);
		size_t part = newline ? (size_t)(newline + 1 - bytes) - used : len - used;

		if (part > ANSWER_HEAD_MAX - request->answer_head_len) {
			request->is_wrong = true;
			break;
		}
		memcpy(request->answer_head + request->answer_head_len, bytes + used, part);
		request->answer_head_len += part;
		used += part;
		if (newline)
			read_head(request, recipe);
	}
	return used;
}

void load_request_take(struct load_request *request, const struct load_recipe *recipe,
		       const uint8_t *bytes, size_t len)
{
	size_t used = request->is_in_body ? 0 : take_head(request, recipe, bytes, len);

	bytes += used;
	len -= used;
	if (len > 0 && !recipe->options->takes_any &&
	    !pattern_is_at(&recipe->pattern, request->body_place, bytes, len))
		request->is_wrong = true;
	request->body_place += len;
}

enum load_error load_request_end(const struct load_request *request,
				 const struct load_recipe *recipe, const uint8_t *end)
{
	const bool is_unhappy = get_be32(end) != 0 || end[4] != RECORD_REQUEST_COMPLETE;

	if (request->status >= 500)
		return LOAD_STATUS;
	if (is_unhappy)
		return LOAD_UNHAPPY;
	if (request->status != 200 || request->is_wrong || !request->is_in_body)
		return LOAD_WRONG;
	if (!recipe->options->takes_any && request->body_place != recipe->options->answer_len)
		return LOAD_WRONG;
	return LOAD_ERROR_COUNT;
}
