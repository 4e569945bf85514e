"""Five functions that allocate known amounts and keep them, with work between.

With the argument `trace`, tells what tracemalloc says of each, as JSON.
"""

import json
import sys
import tracemalloc

ROUNDS = 8000
PAUSE = (None,) * 6000
SOURCE = [None] * 80
TEXT = "x" * 500


def work():
    for _ in PAUSE:
        pass


def blobs(kept, at):
    kept[at] = bytes(4000)


def tables(kept, at):
    kept[at] = [None] * 250


def texts(kept, at):
    kept[at] = TEXT + TEXT


def rows(kept, at):
    kept[at] = tuple(SOURCE)


def points(kept, at):
    kept[at] = {"a": at, "b": at, "c": at, "d": at, "e": at, "f": at, "g": at}


MAKERS = (blobs, tables, texts, rows, points)


def main():
    all_kept = [[None] * ROUNDS for _ in MAKERS]
    for at in range(ROUNDS):
        for maker, kept in zip(MAKERS, all_kept):
            work()
            maker(kept, at)
    return all_kept


def told(snapshot):
    lines = {}
    for maker in MAKERS:
        code = maker.__code__
        for line in range(code.co_firstlineno, code.co_firstlineno + 2):
            lines[line] = maker.__name__
    sums = {}
    for trace in snapshot.traces:
        frame = trace.traceback[0]
        name = lines.get(frame.lineno) if frame.filename == __file__ else None
        if name is not None:
            count, size = sums.get(name, (0, 0))
            sums[name] = (count + 1, size + trace.size)
    return sums


if "trace" in sys.argv:
    tracemalloc.start()
    kept = main()
    print(json.dumps(told(tracemalloc.take_snapshot())))
else:
    kept = main()
