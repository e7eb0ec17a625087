#ifndef MUX_STATUS_H
#define MUX_STATUS_H

#include <stdbool.h>

#include "fcgi/params.h"

struct mux;
struct request;

/* Whether a request for this script is one for the status of the mux (status-path). */
bool status_is_asked(const struct mux *mux, const struct param *script_name);

/*
 * Answers it with all counts, a line "name: value" each. No proc takes part: the answer comes also
 * when all are busy.
 */
void status_answer(struct request *request);

#endif
