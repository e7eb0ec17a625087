#!/usr/bin/env python3
"""watch.py PID BEGIN SECONDS CSV: measures fcgi-herd and what descends from it, until it ends.

BEGIN is the microsecond of the clock that counts as 0. A line for each kind at each time:
milliseconds, kind, processes, descriptors, RSS and PSS in KiB.
"""
import os
import sys
import time

KINDS = ("supervisor", "mux", "children")


def stat(pid):
    """Name, state and parent; the name may hold blanks and brackets."""
    with open(f"/proc/{pid}/stat") as file:
        text = file.read()
    name = text[text.index("(") + 1 : text.rindex(")")]
    state, parent = text[text.rindex(")") + 2 :].split()[:2]
    return name, state, int(parent)


def children(parent):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, state, its_parent = stat(pid)
        except OSError:  # has ended
            continue
        # What has our name has yet to execute its program.
        if its_parent == parent and state != "Z" and name != "fcgi-herd":
            yield int(pid), name


def is_mux(name):
    return name == "fcgi-mux" or name.startswith("memcheck")


def memory(pid):
    """RSS and PSS in KiB."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            words = line.split()
            found[words[0]] = words[1]
    return int(found["Rss:"]), int(found["Pss:"])


def measure(pid):
    """Descriptors, RSS, PSS; None where it has ended meanwhile."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd")), *memory(pid)
    except (OSError, KeyError):
        return None


def sample(herd):
    pids = {"supervisor": [herd], "mux": [], "children": []}
    for pid, name in children(herd):
        pids["mux" if is_mux(name) else "children"].append(pid)
    for kind in KINDS:
        measured = [values for values in map(measure, pids[kind]) if values]
        sums = [sum(column) for column in zip(*measured)] or [0, 0, 0]
        yield kind, len(measured), *sums


def main():
    herd, begin_us, seconds = map(int, sys.argv[1:4])
    period = min(max(seconds / 1200, 0.25), 5)
    with open(sys.argv[4], "w", buffering=1) as out:
        print("ms,kind,processes,descriptors,rss,pss", file=out)
        while os.path.exists(f"/proc/{herd}/smaps_rollup") and stat(herd)[1] != "Z":
            now = time.time_ns() // 1000 - begin_us
            for row in sample(herd):
                print(now // 1000, *row, sep=",", file=out)
            time.sleep(period)


try:
    main()
except (KeyboardInterrupt, OSError):
    pass
