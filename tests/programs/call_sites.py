"""Calls from one place in many ways, cold and warm, and says where the caller's frame pointed each time.

Prints one line of JSON: for each kind of call the caller's code object and the offsets seen; then waits.
"""
import json
import sys

SEEN = {}
KIND = None


def note():
    frame = sys._getframe(2)
    seen = SEEN.setdefault(KIND, {"address": id(frame.f_code), "offsets": []})
    if frame.f_lasti not in seen["offsets"]:
        seen["offsets"].append(frame.f_lasti)


def plain(*args, **kwargs):
    note()
    return 0


def steps():
    note()
    yield 1
    note()
    yield 2


class Thing:
    def __init__(self):
        note()

    def method(self):
        note()

    @property
    def attribute(self):
        note()

    def __call__(self):
        note()

    def __add__(self, other):
        note()

    def __getitem__(self, key):
        note()

    def __setitem__(self, key, value):
        note()

    def __enter__(self):
        note()

    def __exit__(self, *args):
        pass

    def __len__(self):
        note()
        return 1

    def __eq__(self, other):
        note()

    def __contains__(self, item):
        note()

    def __bool__(self):
        note()
        return True

    def __getattr__(self, name):
        note()


def with_block(thing):
    with thing:
        pass


def iterate(thing):
    for _ in steps():
        pass


def store(thing):
    thing[1] = 2


def branch(thing):
    if thing:
        pass


WAYS = {
    "function": lambda thing: plain(),
    "arguments": lambda thing: plain(1, 2, 3),
    "keywords": lambda thing: plain(a=1),
    "starred": lambda thing: plain(*[1, 2], **{"a": 1}),
    "class": lambda thing: Thing(),
    "method": lambda thing: thing.method(),
    "property": lambda thing: thing.attribute,
    "getattr": lambda thing: thing.nothing,
    "object": lambda thing: thing(),
    "operator": lambda thing: thing + 1,
    "subscript": lambda thing: thing[1],
    "comparison": lambda thing: thing == 1,
    "membership": lambda thing: 1 in thing,
    "builtin": lambda thing: len(thing),
    "callback": lambda thing: sorted([1], key=plain),
    "with": with_block,
    "for": iterate,
    "store": store,
    "branch": branch,
}


def main():
    global KIND
    thing = Thing.__new__(Thing)
    for name, way in WAYS.items():
        for _ in range(100):
            KIND = name
            way(thing)
            KIND = None
    SEEN.pop(None, None)
    print(json.dumps({"hex": sys.hexversion, "seen": SEEN}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
