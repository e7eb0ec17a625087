#ifndef MUX_REQUEST_RECORDS_H
#define MUX_REQUEST_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/params.h"
#include "fcgi/record.h"

struct request;

/* What a request holds for its proc: BEGIN, PARAMS, the end of PARAMS, the body. */

/* Where the parameters' content is in its records: behind BEGIN and the header of PARAMS. */
enum { REQUEST_PARAMS_AT = RECORD_BEGIN_LEN + RECORD_HEADER_LEN };

/*
 * All parameters are there: writes what stands around them in the records, with room for the
 * variable that tells how long it waited. False: no memory.
 */
bool request_close_params(struct request *request);

/* The same with other parameters, encoded, in place of those that it has. False: no memory. */
bool request_replace_params(struct request *request, const uint8_t *params, size_t len);

/* Its parameters, params_len bytes, valid until they are replaced. */
const uint8_t *request_params(const struct request *request);

/* Bytes of its body, as records. */
size_t request_buffered_len(const struct request *request);

/* Puts the id on its proc connection into the records, and whether that is to be kept. */
void request_address(struct request *request, uint16_t id, bool keep);

/* The values of its URI and of its script, to be printed with %.*s; "-" where there is none. */
struct param request_name(const struct request *request);
struct param request_script(const struct request *request);
/* The same of any. */
struct param request_param(const struct request *request, const char *name);

#endif
