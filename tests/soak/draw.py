#!/usr/bin/env python3
"""draw.py DIRECTORY: draws samples.csv and events.csv there, and judges whether anything grows.

In each phase the median of the last quarter is compared with that of the second one, which the
graphs show as two bars. Status 1 where something grew beyond its limit.
"""
import csv
import os
import statistics
import sys

KINDS = {"supervisor": "fcgi-herd", "mux": "fcgi-mux", "children": "children"}
# Column, what it is, factor to what is drawn, unit.
MEASURES = {
    "memory": ("pss", "Memory (PSS)", 1 / 1024, "MiB"),
    "descriptors": ("descriptors", "Open descriptors", 1, ""),
    "processes": ("processes", "Processes", 1, ""),
}
# How much more is still the same: a share, and a number (KiB of memory).
LIMITS = {
    ("memory", "supervisor"): (0.10, 512),
    ("memory", "mux"): (0.10, 1024),
    ("memory", "children"): (0.25, 4096),
    ("descriptors", "supervisor"): (0.10, 8),
    ("descriptors", "mux"): (0.10, 20),
    ("descriptors", "children"): (0.25, 16),
    ("processes", "supervisor"): (0, 0),
    ("processes", "mux"): (0, 0.5),
    ("processes", "children"): (0.15, 3),
}
WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 960, 170, 70, 20, 56, 46
INK, QUIET, GRID, LINE, FIRST, LAST = "#222", "#777", "#e4e4e4", "#2f6fb3", "#e39b2d", "#c8402f"


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def read_events(path):
    with open(path, newline="") as file:
        return [(int(row[0]) / 1000, *row[1:]) for row in csv.reader(file)]


def phases(events):
    """Name, begin, end."""
    marks = [event for event in events if event[1] in ("phase", "end")]
    return [(a[2], a[0], b[0]) for a, b in zip(marks, marks[1:])]


def median_between(points, begin, end):
    values = [value for time, value in points if begin <= time < end]
    return statistics.median(values) if values else None


def quarters(points, begin, end):
    """Of the second and the last: begin, end, median."""
    step = (end - begin) / 4
    for place in (1, 3):
        a, b = begin + place * step, begin + (place + 1) * step
        yield a, b, median_between(points, a, b)


def judge(measure, kind, points, phase):
    name, begin, end = phase
    (_, _, before), (_, _, after) = quarters(points, begin, end)
    if before is None or after is None:
        print(f"{name:8} {KINDS[kind]:9} {measure:12} was not measured")
        return False
    share, number = LIMITS[measure, kind]
    limit = before * (1 + share) + number
    unit = " KiB" if measure == "memory" else ""
    grew = after > limit
    print(
        f"{name:8} {KINDS[kind]:9} {measure:12} {before:9.0f} -> {after:.0f}{unit}, "
        f"at most {limit:.0f}{': GREW' if grew else ''}"
    )
    return not grew


def nice_step(top, count):
    """1, 2 or 5 of a power of ten, so that about so many make the top."""
    step = 10 ** -3
    while True:
        for factor in (1, 2, 5):
            if step * factor * count >= top:
                return step * factor
        step *= 10


def text(x, y, words, anchor="start", size=12, colour=INK, weight="normal"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{colour}">{words}</text>'
    )


def stroke(x1, y1, x2, y2, colour, width=1, more=""):
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}" {more}/>'
    )


class Panel:
    """One kind of process below the other, all with the same times."""

    def __init__(self, number, points, end):
        self.points = points
        self.end = end
        self.top = TOP + number * (PANEL + GAP)
        highest = max([value for _, value in points], default=0)
        self.step = max(nice_step(highest * 1.05 or 1, 4), 0.1)
        self.high = self.step * max(1, -(-highest * 1.05 // self.step))

    def x(self, seconds):
        return LEFT + seconds / self.end * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return self.top + PANEL * (1 - value / self.high)

    def grid(self):
        for i in range(int(self.high / self.step + 0.5) + 1):
            value = i * self.step
            yield stroke(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), GRID)
            yield text(LEFT - 8, self.y(value) + 4, f"{value:g}", "end", 11, QUIET)
        step = nice_step(self.end, 10)
        for i in range(int(self.end / step) + 1):
            yield text(self.x(i * step), self.top + PANEL + 16, f"{i * step:g} s", "middle", 11, QUIET)

    def marks(self, events):
        for event in events:
            x = self.x(event[0])
            if event[1] == "reload":
                yield stroke(x, self.top, x, self.top + PANEL, GRID)
            elif event[1] == "phase":
                yield stroke(x, self.top, x, self.top + PANEL, QUIET, 1, 'stroke-dasharray="4 3"')
                yield text(x + 4, self.top + 12, event[2], size=11, colour=QUIET)

    def line(self):
        path = " ".join(f"{self.x(t):.1f},{self.y(v):.1f}" for t, v in self.points)
        return f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="1.2"/>'

    def medians(self, phase):
        _, begin, end = phase
        for colour, (a, b, value) in zip((FIRST, LAST), quarters(self.points, begin, end)):
            if value is not None:
                yield stroke(self.x(a), self.y(value), self.x(b), self.y(value), colour, 3)


def draw(title, unit, series, events, path):
    end = events[-1][0]
    height = TOP + len(series) * (PANEL + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>',
        text(LEFT, 24, title + (f", {unit}" if unit else ""), size=17, weight="bold"),
        text(WIDTH - RIGHT, 24, "median of a phase's second quarter", "end", 11, FIRST),
        text(WIDTH - RIGHT, 38, "and of its last", "end", 11, LAST),
    ]
    for number, (name, points) in enumerate(series.items()):
        panel = Panel(number, points, end)
        lines.append(text(LEFT, panel.top - 6, name, size=13))
        lines += [*panel.grid(), *panel.marks(events), panel.line()]
        for phase in phases(events):
            lines += panel.medians(phase)
    with open(path, "w") as file:
        file.write("\n".join(lines + ["</svg>"]) + "\n")


def main():
    place = sys.argv[1]
    samples = read(os.path.join(place, "samples.csv"))
    events = read_events(os.path.join(place, "events.csv"))
    is_good = bool(samples)
    for measure, (column, title, factor, unit) in MEASURES.items():
        drawn = {}
        for kind, name in KINDS.items():
            rows = [row for row in samples if row["kind"] == kind]
            points = [(int(row["ms"]) / 1000, int(row[column])) for row in rows]
            points = [point for point in points if point[0] <= events[-1][0]]
            for phase in phases(events):
                is_good &= judge(measure, kind, points, phase)
            drawn[name] = [(time, value * factor) for time, value in points]
        draw(title, unit, drawn, events, os.path.join(place, measure + ".svg"))
    return 0 if is_good else 1


sys.exit(main())
