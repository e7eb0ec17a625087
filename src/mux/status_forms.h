#ifndef MUX_STATUS_FORMS_H
#define MUX_STATUS_FORMS_H

#include <stdbool.h>

#include "mux/page.h"
#include "mux/status_model.h"

/* The status in each of its forms: a file each. */

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

/*
 * For a terminal: a line that says whether all is well, a line of sums, and a table for each
 * section, whose last column is as long as it gets. status_view shows it.
 */
void status_table(struct page *page, const struct status_model *model);

/* How the first line of it begins, and how it ends where all is well. */
#define STATUS_TABLE_BEGIN "fcgi-mux "
#define STATUS_TABLE_GOOD "all is well"

#endif
