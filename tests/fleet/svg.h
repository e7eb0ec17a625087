#ifndef FLEET_SVG_H
#define FLEET_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Drawings of lines in panels, as plain SVG. */
struct svg {
	FILE *file;
	double width, height;
};

struct point {
	double x, y;
};

/* Where a value lies: low at from, high at to, in units of the drawing. */
struct scale {
	double low, high;
	double from, to;
	bool is_log;
};

struct panel {
	struct scale x, y;
	const char *title;
};

/* 0, or -1: it cannot be written, as errno says. */
int svg_open(struct svg *svg, const char *path, double width, double height)
	__attribute__((warn_unused_result));
int svg_close(struct svg *svg) __attribute__((warn_unused_result));

enum svg_style { SVG_TITLE, SVG_NAME, SVG_QUIET, SVG_QUIET_RIGHT, SVG_QUIET_MIDDLE };

void svg_text(struct svg *svg, double x, double y, enum svg_style style, const char *text);
void svg_line(struct svg *svg, struct point from, struct point to, const char *look);

/* A line through points: begin, each point, end. */
void svg_begin(struct svg *svg);
void svg_point(struct svg *svg, const struct panel *panel, double x, double y);
void svg_end(struct svg *svg, const char *look);

double scale_at(const struct scale *scale, double value);

/* The panel's title, its grid with the numbers at both axes; those of x only where it asks. */
void panel_draw(struct svg *svg, const struct panel *panel, bool has_numbers_below);

#endif
