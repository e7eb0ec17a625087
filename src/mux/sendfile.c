#include "mux/sendfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "fcgi/params.h"
#include "fcgi/record.h"
#include "mux/backend.h"
#include "mux/failure.h"
#include "mux/front_connection.h"
#include "mux/mux.h"
#include "mux/proc.h"
#include "mux/request.h"
#include "mux/request_records.h"
#include "mux/response.h"
#include "mux/route.h"
#include "os/document.h"
#include "policy/media.h"
#include "policy/sendfile.h"

/* Content of a record: the most that needs no padding. */
enum { PIECE_LEN_MAX = 65528 };

/* Sent in one go: with a turn of the loop for each, a file takes half as long again. */
enum { RECORDS_AT_ONCE = 8 };

enum { REASON_SIZE = 512, VALUE_SIZE = 64 };

struct part {
	int fd;		/* owned, unless it is shared; -1: none */
	bool is_shared; /* it is that of the part before */
	uint64_t offset;
	uint64_t len; /* bytes to send yet */
};

struct sendfile {
	struct mux *mux;    /* borrowed: counts the files */
	struct part *parts; /* owned */
	size_t count;
	size_t next; /* the part that is sent now */
};

/* Of the files of one answer, before it begins. */
struct opening {
	struct sendfile *files;	       /* owned until they are sent */
	char *const *directories;      /* that they may be in; NULL-ended, borrowed */
	bool is_parts;		       /* X-Sendfile2 */
	char path[SENDFILE_PATH_SIZE]; /* of the file opened last */
	struct document document;      /* and its facts */
	uint64_t len;		       /* of all */
	enum failure_kind kind;	       /* where it failed */
	const char *why;
};

static void close_file(struct sendfile *files, const struct part *part,
		       struct front_connection *connection)
{
	if (part->fd < 0 || part->is_shared)
		return;
	files->mux->file_count--;
	if (!connection || !stream_take_over(&connection->stream, part->fd))
		close(part->fd);
}

void sendfile_free(struct sendfile *files, struct front_connection *connection)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->count; i++)
		close_file(files, &files->parts[i], connection);
	free(files->parts);
	free(files);
}

static bool refuse(struct opening *opening, enum failure_kind kind, const char *why)
{
	opening->kind = kind;
	opening->why = why;
	return false;
}

static bool refuse_document(struct opening *opening, enum document_result result)
{
	const char *why = document_result_text(result);

	switch (result) {
	case DOCUMENT_ABSENT:
		return refuse(opening, FAILURE_NOT_FOUND, why);
	case DOCUMENT_FAILED:
		return refuse(opening, FAILURE_NO_ROOM, why);
	case DOCUMENT_DIRECTORY:
	case DOCUMENT_NOT_REGULAR:
		return refuse(opening, opening->is_parts ? FAILURE_BAD_PROC : FAILURE_FORBIDDEN,
			      why);
	case DOCUMENT_OUTSIDE:
	case DOCUMENT_DENIED:
	case DOCUMENT_FOUND:
		break;
	}
	return refuse(opening, FAILURE_FORBIDDEN, why);
}

static bool refuse_directory(struct opening *opening, int error)
{
	if (error == -EMFILE || error == -ENFILE || error == -ENOMEM)
		return refuse(opening, FAILURE_NO_ROOM, strerror(-error));
	return refuse(opening, error == -ENOENT ? FAILURE_NOT_FOUND : FAILURE_FORBIDDEN,
		      "is in a directory that cannot be entered");
}

/* Connections have half of all descriptors; of the rest files leave half to the procs. */
static bool has_room(const struct mux *mux)
{
	return mux->file_count < mux->connections_max / 2;
}

static bool open_document(struct opening *opening, const char *directory, const char *below)
{
	struct document_root root;
	enum document_result result;
	int error;

	if (!has_room(opening->files->mux))
		return refuse(opening, FAILURE_NO_ROOM, "is one of too many");
	error = document_root_open(&root, directory);
	if (error < 0)
		return refuse_directory(opening, error);
	result = document_open(&opening->document, &root, below);
	document_root_close(&root);
	if (result != DOCUMENT_FOUND)
		return refuse_document(opening, result);
	opening->files->mux->file_count++;
	return true;
}

static bool open_path(struct opening *opening, const char *path)
{
	size_t which = 0;
	const char *below = sendfile_permit(opening->directories, path, &which);

	memcpy(opening->path, path, strlen(path) + 1);
	if (!below)
		return refuse(opening, FAILURE_FORBIDDEN, "is not below x-sendfile-docroot");
	return open_document(opening, opening->directories[which], below);
}

static struct part *add_part(struct sendfile *files)
{
	struct part *parts = reallocarray(files->parts, files->count + 1, sizeof(*parts));

	if (!parts)
		return NULL;
	files->parts = parts;
	parts[files->count] = (struct part){.fd = -1};
	return &parts[files->count++];
}

/* Parts of one file, one after the other, share its descriptor. */
static bool open_part(struct opening *opening, const struct sendfile_part *wanted)
{
	struct part *part = add_part(opening->files);

	if (!part)
		return refuse(opening, FAILURE_NO_ROOM, "finds no memory");
	part->is_shared = strcmp(opening->path, wanted->path) == 0;
	if (!part->is_shared && !open_path(opening, wanted->path))
		return false;
	part->fd = opening->document.fd;
	part->offset = wanted->first;
	if (sendfile_part_len(wanted, opening->document.size, &part->len) != SENDFILE_OK)
		return refuse(opening, FAILURE_BAD_PROC, "ends before the range begins");
	opening->len += part->len;
	return true;
}

static bool refuse_value(struct opening *opening, enum sendfile_result result)
{
	opening->path[0] = '\0';
	if (result == SENDFILE_FORBIDDEN)
		return refuse(opening, FAILURE_FORBIDDEN, "has no absolute path");
	return refuse(opening, FAILURE_BAD_PROC, "has no proper name");
}

static bool open_whole(struct opening *opening, const struct head_field *field)
{
	struct sendfile_part part = {.last = UINT64_MAX};
	enum sendfile_result result = sendfile_decode(part.path, field->value, field->value_len);

	return result == SENDFILE_OK ? open_part(opening, &part) : refuse_value(opening, result);
}

static bool open_parts(struct opening *opening, struct sendfile_parts *parts)
{
	enum sendfile_result result;
	struct sendfile_part part;

	while ((result = sendfile_parts_next(parts, &part)) == SENDFILE_OK)
		if (!open_part(opening, &part))
			return false;
	return result == SENDFILE_END ? true : refuse_value(opening, result);
}

/* The parts of all X-Sendfile2 fields. */
static bool open_all_parts(struct opening *opening, const struct head *head, const uint8_t *bytes)
{
	struct sendfile_parts parts = {0};
	struct head_field field;
	bool is_good = true;
	size_t at = 0;

	opening->is_parts = true;
	while (is_good && head_next(head, bytes, &at, &field)) {
		if (field.kind != HEAD_SENDFILE2)
			continue;
		sendfile_parts_set_value(&parts, field.value, field.value_len);
		is_good = open_parts(opening, &parts);
	}
	return is_good;
}

/* The field that counts, as lighttpd has it. */
static bool find_wish(const struct head *head, const uint8_t *bytes, struct head_field *field)
{
	return head_find(head, bytes, HEAD_SENDFILE2, field) ||
	       head_find(head, bytes, HEAD_SENDFILE, field) ||
	       head_find(head, bytes, HEAD_SENDFILE1, field);
}

bool sendfile_is_asked(const struct head *head, const uint8_t *bytes)
{
	struct head_field field;

	return find_wish(head, bytes, &field);
}

static bool open_wish(struct opening *opening, const struct head *head, const uint8_t *bytes)
{
	struct head_field field;

	if (!opening->files)
		return refuse(opening, FAILURE_NO_ROOM, "finds no memory");
	if (!find_wish(head, bytes, &field))
		return refuse(opening, FAILURE_BAD_PROC, "is not named");
	if (field.kind == HEAD_SENDFILE2)
		return open_all_parts(opening, head, bytes);
	return open_whole(opening, &field);
}

static struct sendfile *files_new(const struct request *request)
{
	struct sendfile *files = calloc(1, sizeof(*files));

	if (files)
		files->mux = request->route->mux;
	return files;
}

static bool has_method(const struct request *request, const char *method)
{
	struct param param;

	return params_find(request_params(request), request->params_len, "REQUEST_METHOD",
			   &param) &&
	       params_value_is(&param, method);
}

static bool add_len(struct buffer *out, uint64_t len)
{
	char value[VALUE_SIZE];

	(void)text_format(value, sizeof(value), "%llu", (unsigned long long)len);
	return head_add(out, "Content-Length", value) == 0;
}

static bool add_type(struct buffer *out, const char *path)
{
	return head_add(out, "Content-Type", media_type(path)) == 0;
}

/* As HTTP writes times (RFC 9110, section 5.6.7). */
static bool add_modified(struct buffer *out, time_t modified)
{
	char value[VALUE_SIZE];
	struct tm parts;

	if (!gmtime_r(&modified, &parts) ||
	    strftime(value, sizeof(value), "%a, %d %b %Y %T GMT", &parts) == 0)
		return true;
	return head_add(out, "Last-Modified", value) == 0;
}

/* Everything is open: the answer begins. The head is freed. */
static void begin(struct request *request, struct sendfile *files, struct buffer *head)
{
	struct front_connection *connection = request->connection;

	/* With the method HEAD there is nothing more to come. */
	if (has_method(request, "HEAD"))
		files->next = files->count;
	request->files = files;
	request_set_state(request, REQUEST_SENDING);
	response_send(request, buffer_data(head), head->len);
	buffer_fini(head);
	sendfile_go_on(connection);
}

static void fail(struct request *request, struct opening *opening, const char *whose)
{
	char reason[REASON_SIZE];

	sendfile_free(opening->files, NULL);
	(void)text_format(reason, sizeof(reason), "%s %s: %s", whose, opening->why,
			  opening->path[0] ? opening->path : "-");
	failure_answer(request, opening->kind, reason);
}

static bool write_head(struct buffer *out, const struct opening *opening, const struct head *head,
		       const uint8_t *bytes)
{
	bool has_type = head->kinds & HEAD_SET(HEAD_CONTENT_TYPE);

	return head_copy(head, bytes, HEAD_SENDFILES | HEAD_SET(HEAD_LENGTH), out) == 0 &&
	       (has_type || add_type(out, opening->path)) && add_len(out, opening->len) &&
	       head_end(out) == 0;
}

void sendfile_start(struct request *request, const struct proc *proc, const struct head *head,
		    const uint8_t *bytes)
{
	static char anywhere[] = "/";
	char *const whole[] = {anywhere, NULL};
	const struct text_list *list = &proc->backend->settings->x_sendfile_docroot;
	struct opening opening = {.files = files_new(request),
				  .directories = list->count > 0 ? list->items : whole};
	struct buffer out = {0};
	char whose[REASON_SIZE];

	(void)text_format(whose, sizeof(whose), "%s: the file that X-Sendfile names", proc->name);
	if (open_wish(&opening, head, bytes) && !write_head(&out, &opening, head, bytes))
		(void)refuse(&opening, FAILURE_NO_ROOM, "finds no memory");
	if (!opening.why) {
		begin(request, opening.files, &out);
		return;
	}
	buffer_fini(&out);
	fail(request, &opening, whose);
}

static bool open_only(struct opening *opening, const char *directory, const char *path)
{
	struct part *part = opening->files ? add_part(opening->files) : NULL;

	if (!part)
		return refuse(opening, FAILURE_NO_ROOM, "finds no memory");
	if (text_format(opening->path, sizeof(opening->path), "%s", path) < 0)
		return refuse(opening, FAILURE_NOT_FOUND, "has too long a name");
	if (!open_document(opening, directory, path))
		return false;
	part->fd = opening->document.fd;
	part->len = opening->len = opening->document.size;
	return true;
}

void sendfile_answer(struct request *request, const char *directory, const char *path)
{
	struct opening opening = {.files = files_new(request)};
	struct buffer out = {0};

	if (open_only(&opening, directory, path) &&
	    !(add_type(&out, path) && add_len(&out, opening.len) &&
	      add_modified(&out, opening.document.modified) && head_end(&out) == 0))
		(void)refuse(&opening, FAILURE_NO_ROOM, "finds no memory");
	if (!opening.why) {
		begin(request, opening.files, &out);
		return;
	}
	buffer_fini(&out);
	fail(request, &opening, "the file");
}

/* The one whose turn it is; it goes behind the others. */
static struct request *next_sending(struct front_connection *connection)
{
	list_for_each (link, after, &connection->requests) {
		struct request *request = container_of(link, struct request, link);

		if (request->state != REQUEST_SENDING)
			continue;
		list_detach(link);
		list_append(&connection->requests, link);
		return request;
	}
	return NULL;
}

static void put_record(struct request *request, struct part *part)
{
	size_t len = part->len < PIECE_LEN_MAX ? (size_t)part->len : PIECE_LEN_MAX;
	struct stream_file file = {.fd = part->fd, .offset = part->offset, .len = len};
	uint8_t header[RECORD_HEADER_LEN];

	record_header_encode(header, RECORD_STDOUT, request->id, (uint16_t)len);
	part->offset += len;
	part->len -= len;
	request_trace_sent(&request->trace, len);
	front_connection_put_file(request->connection, header, &file);
}

static void send_next(struct request *request)
{
	struct sendfile *files = request->files;

	while (files->next < files->count && files->parts[files->next].len == 0)
		files->next++;
	if (files->next == files->count)
		response_end(request);
	else
		put_record(request, &files->parts[files->next]);
}

/* False: one waits already, or there is none. */
static bool put_next(struct front_connection *connection)
{
	struct request *request;

	if (stream_has_file(&connection->stream))
		return false;
	while (!stream_has_file(&connection->stream) && (request = next_sending(connection)))
		send_next(request);
	return stream_has_file(&connection->stream);
}

void sendfile_go_on(struct front_connection *connection)
{
	/* The last is left to the next turn of the loop. */
	for (int i = 0; put_next(connection) && i < RECORDS_AT_ONCE; i++)
		front_connection_flush(connection);
}

/* The one whose record waits: it was put behind all others that have files. */
static struct request *last_sending(const struct front_connection *connection)
{
	struct request *last = NULL;

	list_for_each (link, after, &connection->requests) {
		struct request *request = container_of(link, struct request, link);

		if (request->state == REQUEST_SENDING)
			last = request;
	}
	return last;
}

void sendfile_complain(const struct front_connection *connection, int error)
{
	struct request *request = last_sending(connection);
	struct param name;

	/* Else it is the client that has gone. */
	if (!request || (error != -ENODATA && error != -EIO))
		return;
	name = request_name(request);
	request->route->mux->counts.broken_answers++;
	request->trace.ending = REQUEST_ENDED_BROKEN;
	log_warnx("request %.*s: answer broken off: the file %s while it was sent",
		  (int)name.value_len, name.value,
		  error == -EIO ? "could not be read" : "became shorter");
}
