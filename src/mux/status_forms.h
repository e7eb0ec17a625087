#ifndef MUX_STATUS_FORMS_H
#define MUX_STATUS_FORMS_H

#include <stdbool.h>

#include "mux/page.h"
#include "mux/status_model.h"

/* The status in each of its forms: a file each. */

/* How php-fpm says that the number of processes does not change. */
#define STATUS_PROCESS_MANAGER "static"

/*
 * Lines "name: value": php-fpm's, ours, and lighttpd's of each backend. is_full: and a part for
 * each process, as php-fpm has it.
 */
void status_text(struct page *page, const struct status_model *model, bool is_full);

/* One object: the same, with the backends as a list. is_full: and php-fpm's list of processes. */
void status_json(struct page *page, const struct status_model *model, bool is_full);

/*
 * Metrics with their types and help. Families of counters are named without _total in OpenMetrics,
 * and with it in Prometheus's older text form (is_strict: the former); all else is the same.
 */
void status_metrics(struct page *page, const struct status_model *model, bool is_strict);

/* A page for people, that asks for itself again and again. */
void status_html(struct page *page, const struct status_model *model);

#endif
