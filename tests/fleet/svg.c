#include "svg.h"

#include <math.h>

#define GRID "stroke=\"#e4e4e4\""

static const char *const styles[] = {
	[SVG_TITLE] = "font-size=\"17\" font-weight=\"bold\" fill=\"#222\"",
	[SVG_NAME] = "font-size=\"13\" fill=\"#222\"",
	[SVG_QUIET] = "font-size=\"11\" fill=\"#777\"",
	[SVG_QUIET_RIGHT] = "font-size=\"11\" fill=\"#777\" text-anchor=\"end\"",
	[SVG_QUIET_MIDDLE] = "font-size=\"11\" fill=\"#777\" text-anchor=\"middle\"",
};

int svg_open(struct svg *svg, const char *path, double width, double height)
{
	*svg = (struct svg){.file = fopen(path, "we"), .width = width, .height = height};
	if (!svg->file)
		return -1;
	(void)fprintf(svg->file,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" "
		      "font-family=\"sans-serif\">\n"
		      "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		      width, height);
	return 0;
}

int svg_close(struct svg *svg)
{
	(void)fprintf(svg->file, "</svg>\n");
	return fclose(svg->file) == 0 ? 0 : -1;
}

void svg_text(struct svg *svg, double x, double y, enum svg_style style, const char *text)
{
	(void)fprintf(svg->file, "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, y, styles[style],
		      text);
}

void svg_line(struct svg *svg, struct point from, struct point to, const char *look)
{
	(void)fprintf(svg->file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n",
		      from.x, from.y, to.x, to.y, look);
}

void svg_begin(struct svg *svg)
{
	(void)fprintf(svg->file, "<polyline fill=\"none\" points=\"");
}

void svg_point(struct svg *svg, const struct panel *panel, double x, double y)
{
	(void)fprintf(svg->file, "%.1f,%.1f ", scale_at(&panel->x, x), scale_at(&panel->y, y));
}

void svg_end(struct svg *svg, const char *look)
{
	(void)fprintf(svg->file, "\" %s/>\n", look);
}

double scale_at(const struct scale *scale, double value)
{
	double low = scale->low, high = scale->high;
	double kept = fmin(fmax(value, low), high);
	double part =
		scale->is_log ? log(kept / low) / log(high / low) : (kept - low) / (high - low);

	return scale->from + part * (scale->to - scale->from);
}

/* 1, 2 or 5 of a power of ten, so that about five make the whole. */
static double nice_step(double whole)
{
	double step = pow(10, floor(log10(whole / 5)));

	if (whole / step > 25)
		return 5 * step;
	return whole / step > 10 ? 2 * step : step;
}

enum { MARKS_MAX = 40 };

static double first_mark(const struct scale *scale)
{
	return scale->is_log ? pow(10, ceil(log10(scale->low) - 1e-9)) : scale->low;
}

/* Where the grid's lines are; how many there are. */
static size_t find_marks(const struct scale *scale, double marks[MARKS_MAX])
{
	double mark = first_mark(scale), step = nice_step(scale->high - scale->low);
	size_t count = 0;

	while (count < MARKS_MAX && mark <= scale->high * 1.0001) {
		marks[count++] = mark;
		mark = scale->is_log ? mark * 10 : mark + step;
	}
	return count;
}

static void draw_y(struct svg *svg, const struct panel *panel)
{
	const struct scale *x = &panel->x, *y = &panel->y;
	double marks[MARKS_MAX];
	size_t count = find_marks(y, marks);
	char text[32];

	for (size_t i = 0; i < count; i++) {
		double at = scale_at(y, marks[i]);

		svg_line(svg, (struct point){x->from, at}, (struct point){x->to, at}, GRID);
		(void)snprintf(text, sizeof(text), "%.6g", marks[i]);
		svg_text(svg, x->from - 8, at + 4, SVG_QUIET_RIGHT, text);
	}
}

static void draw_numbers_below(struct svg *svg, const struct panel *panel)
{
	double marks[MARKS_MAX];
	size_t count = find_marks(&panel->x, marks);
	char text[32];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(text, sizeof(text), "%.6g", marks[i]);
		svg_text(svg, scale_at(&panel->x, marks[i]), panel->y.from + 16, SVG_QUIET_MIDDLE,
			 text);
	}
}

void panel_draw(struct svg *svg, const struct panel *panel, bool has_numbers_below)
{
	svg_text(svg, panel->x.from, panel->y.to - 8, SVG_NAME, panel->title);
	draw_y(svg, panel);
	if (has_numbers_below)
		draw_numbers_below(svg, panel);
}
