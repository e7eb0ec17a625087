#include "plots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "svg.h"

enum { WIDTH = 960, LEFT = 70, RIGHT = 20, TOP = 120, PANEL = 190, GAP = 56, P999 = 999000 };

static const char *const looks[POLICIES] = {
	[POLICY_DEFAULT] = "stroke=\"#c8402f\" stroke-width=\"2.2\"",
	[POLICY_ALONE] = "stroke=\"#2f6fb3\" stroke-width=\"1.4\"",
	[POLICY_TOLD] = "stroke=\"#e39b2d\" stroke-width=\"1.4\"",
	[POLICY_TWO] = "stroke=\"#3d9a5f\" stroke-width=\"1.4\"",
	[POLICY_TWO_TOLD] = "stroke=\"#9a5fb0\" stroke-width=\"1.4\"",
	[POLICY_ONE_QUEUE] = "stroke=\"#222\" stroke-width=\"1.4\" stroke-dasharray=\"5 3\"",
};

#define MARK "stroke=\"#777\" stroke-dasharray=\"2 3\""

static void must(int error, const char *path)
{
	if (error == 0)
		return;
	perror(path);
	exit(2);
}

static void open_in(struct svg *svg, const char *directory, const char *name, double height)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	must(svg_open(svg, path, WIDTH, height), path);
}

static void name_line(struct svg *svg, size_t place, const char *name, const char *look)
{
	size_t column = place % 3, row = place / 3;
	double x = LEFT + (double)column * 290, y = 50 + (double)row * 20;

	svg_line(svg, (struct point){x, y}, (struct point){x + 30, y}, look);
	svg_text(svg, x + 36, y + 4, SVG_NAME, name);
}

static void begin_policies(struct svg *svg, const char *what, const struct plan *plan)
{
	char title[160];

	(void)snprintf(title, sizeof(title), "%s: %u fronts, %u hosts, %u workers, %u %% load",
		       what, plan->fronts, plan->hosts, plan->hosts * plan->workers,
		       plan->load_percent);
	svg_text(svg, LEFT, 26, SVG_TITLE, title);
	for (size_t i = 0; i < POLICIES; i++)
		name_line(svg, i, policies[i].title, looks[i]);
}

/* What is drawn over time: one value a point. */
struct curve {
	const char *title;
	double low, high;
	bool is_log;
	double (*value)(const struct series_point *);
};

static double waiting_of(const struct series_point *point)
{
	return times_quantile_ms(&point->waiting, P999);
}

static double peak_of(const struct series_point *point)
{
	return point->samples > 0 ? point->peak / (double)point->samples : 1;
}

static double queued_of(const struct series_point *point)
{
	return point->samples > 0 ? point->queued / (double)point->samples : 0;
}

static const struct curve curves[] = {
	{"999 of 1,000 requests wait no longer than, ms", 0.3, 10000, true, waiting_of},
	{"requests that wait", 0.1, 100000, true, queued_of},
	{"largest load of a host, over the mean of all", 1, 3, false, peak_of},
};

enum { CURVES = sizeof(curves) / sizeof(curves[0]) };

static double minute_of(const struct measurement *measured, size_t point)
{
	double length =
		(double)(measured->phase_begin_s[PHASES] - measured->phase_begin_s[PHASE_STEADY]);

	return ((double)point + 0.5) / SERIES_POINTS * length / 60;
}

static void mark_phases(struct svg *svg, const struct panel *panel,
			const struct measurement *measured)
{
	for (size_t i = PHASE_STEADY; i < PHASES; i++) {
		double minute = (double)(measured->phase_begin_s[i] -
					 measured->phase_begin_s[PHASE_STEADY]) /
				60;
		double x = scale_at(&panel->x, minute);

		svg_line(svg, (struct point){x, panel->y.from}, (struct point){x, panel->y.to},
			 MARK);
		svg_text(svg, x + 4, panel->y.to + 12, SVG_QUIET, phase_names[i]);
	}
}

static void draw_curve(struct svg *svg, const struct run *runs, size_t place)
{
	const struct curve *curve = &curves[place];
	double top = TOP + (double)place * (PANEL + GAP);
	const struct measurement *first = &runs->measured;
	const struct panel panel = {
		.x = {0, minute_of(first, SERIES_POINTS - 1), LEFT, WIDTH - RIGHT, false},
		.y = {curve->low, curve->high, top + PANEL, top, curve->is_log},
		.title = curve->title,
	};

	panel_draw(svg, &panel, true);
	mark_phases(svg, &panel, first);
	for (size_t i = POLICIES; i-- > 0;) {
		svg_begin(svg);
		for (size_t at = 0; at < SERIES_POINTS; at++)
			svg_point(svg, &panel, minute_of(first, at),
				  curve->value(&runs[i].measured.series[at]));
		svg_end(svg, looks[i]);
	}
}

static void draw_over_time(const struct run *runs, const char *directory)
{
	double height = TOP + CURVES * (PANEL + GAP);
	char name[64];
	struct svg svg;

	(void)snprintf(name, sizeof(name), "over-time-%u.svg", runs->plan.load_percent);
	open_in(&svg, directory, name, height);
	begin_policies(&svg, "Over time", &runs->plan);
	for (size_t i = 0; i < CURVES; i++)
		draw_curve(&svg, runs, i);
	svg_text(&svg, WIDTH - RIGHT, height - 8, SVG_QUIET_RIGHT, "minutes");
	must(svg_close(&svg), name);
}

/* How many of a hundred wait longer than each time. */
static void draw_tail(struct svg *svg, const struct panel *panel, const struct times *times)
{
	static const unsigned steps = 60;
	double low = panel->x.low, high = panel->x.high;

	svg_begin(svg);
	for (unsigned i = 0; i <= steps; i++) {
		double ms = low * pow(high / low, (double)i / steps);

		svg_point(svg, panel, ms, 100 * times_share_beyond(times, ms));
	}
}

static void draw_phase(struct svg *svg, const struct run *runs, size_t phase)
{
	size_t place = phase - PHASE_STEADY, column = place % 3, row = place / 3;
	double width = (WIDTH - LEFT - RIGHT - 2 * GAP) / 3.0;
	double left = LEFT + (double)column * (width + GAP);
	double top = TOP + (double)row * (PANEL + GAP + 10);
	const struct panel panel = {
		.x = {1, 10000, left, left + width, true},
		.y = {0.001, 100, top + PANEL, top, true},
		.title = phase_names[phase],
	};

	panel_draw(svg, &panel, true);
	for (size_t i = POLICIES; i-- > 0;) {
		draw_tail(svg, &panel, &runs[i].measured.phases[phase].waiting);
		svg_end(svg, looks[i]);
	}
}

static void draw_waiting(const struct run *runs, const char *directory)
{
	double height = TOP + 2 * (PANEL + GAP + 10) + 10;
	char name[64];
	struct svg svg;

	(void)snprintf(name, sizeof(name), "waiting-%u.svg", runs->plan.load_percent);
	open_in(&svg, directory, name, height);
	begin_policies(&svg, "Waiting for a worker", &runs->plan);
	for (size_t phase = PHASE_STEADY; phase < PHASES; phase++)
		draw_phase(&svg, runs, phase);
	svg_text(&svg, WIDTH - RIGHT, height - 8, SVG_QUIET_RIGHT,
		 "so many of a hundred requests (up) wait longer than so many ms (right)");
	must(svg_close(&svg), name);
}

void plots_policies(const struct run *runs, const char *directory)
{
	draw_over_time(runs, directory);
	draw_waiting(runs, directory);
}

static const char *const phase_looks[PHASES] = {
	[PHASE_STEADY] = "stroke=\"#222\" stroke-width=\"1.6\"",
	[PHASE_DEPLOY] = "stroke=\"#c8402f\" stroke-width=\"1.6\"",
	[PHASE_RACK] = "stroke=\"#2f6fb3\" stroke-width=\"1.6\"",
	[PHASE_SLOW] = "stroke=\"#e39b2d\" stroke-width=\"1.6\"",
	[PHASE_UNEVEN] = "stroke=\"#3d9a5f\" stroke-width=\"1.6\"",
};

static void draw_setting(struct svg *svg, const struct panel *panel, const struct run *runs)
{
	size_t count = (size_t)panel->x.high + 1;

	for (size_t phase = PHASE_STEADY; phase < PHASES; phase++) {
		name_line(svg, phase - PHASE_STEADY, phase_names[phase], phase_looks[phase]);
		svg_begin(svg);
		for (size_t i = 0; i < count; i++)
			svg_point(svg, panel, (double)i,
				  times_quantile_ms(&runs[i].measured.phases[phase].waiting, P999));
		svg_end(svg, phase_looks[phase]);
	}
}

void plots_sweep(const char *name, const struct run *runs, const char *const *labels, size_t count,
		 const char *directory)
{
	const struct panel panel = {
		.x = {0, (double)(count - 1), LEFT, WIDTH - 2 * RIGHT, false},
		.y = {0.3, 10000, TOP + 1.5 * PANEL, TOP, true},
		.title = curves[0].title,
	};
	char text[160];
	struct svg svg;

	(void)snprintf(text, sizeof(text), "%s.svg", name);
	open_in(&svg, directory, text, TOP + 1.5 * PANEL + GAP);
	(void)snprintf(text, sizeof(text), "%s: %u fronts, %u hosts, %u %% load, %s", name,
		       runs->plan.fronts, runs->plan.hosts, runs->plan.load_percent,
		       runs->plan.policy->title);
	svg_text(&svg, LEFT, 26, SVG_TITLE, text);
	panel_draw(&svg, &panel, false);
	draw_setting(&svg, &panel, runs);
	for (size_t i = 0; i < count; i++)
		svg_text(&svg, scale_at(&panel.x, (double)i), panel.y.from + 18, SVG_QUIET_MIDDLE,
			 labels[i]);
	must(svg_close(&svg), name);
}
