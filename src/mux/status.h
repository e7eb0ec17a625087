#ifndef MUX_STATUS_H
#define MUX_STATUS_H

#include <stdbool.h>

#include "fcgi/params.h"

struct request;

/*
 * Answers a request whose script is status-path or ping-path. No proc takes part: the answer comes
 * also when all are busy. False: it is for neither. QUERY_STRING chooses the form of the status, as
 * words between "&": json, openmetrics, html, table, else text; and full.
 */
bool status_answer(struct request *request, const struct param *script_name);

#endif
