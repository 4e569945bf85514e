"""Prints, as one line of JSON, what it has in containers of all kinds. Then changes some of them without end.

The reader compares it with what it finds in this process's memory.
"""
import collections
import enum
import json
import sys
import threading
import time
import typing


class Plain:
    pass


class DictSubclass(dict):
    pass


class ListSubclass(list):
    def __init__(self, *args):
        super().__init__(*args)
        self.attribute = 1


class TupleSubclass(tuple):
    pass


class SetSubclass(set):
    pass


class Deeper(Plain, SetSubclass):
    __slots__ = ("slot",)


class FrozenSubclass(frozenset):
    pass


class Text(str):
    pass


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Point(typing.NamedTuple):
    x: int
    y: float


class set_(set):
    pass


class Instance:
    def __init__(self, *names):
        for number, name in enumerate(names):
            setattr(self, name, [number, name, None, 1.5][number % 4])


set_.__name__ = set_.__qualname__ = "set"
VALUES = [1, "text", None, 1.5, b"bytes", True, (1,), [2], {3}, Plain(), len, Plain]


def type_name(value):
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)


def many_attributes(count):
    made = [Instance(*("name_%d" % at for at in range(count))) for _ in range(3)]
    return made[-1].__dict__


def split():
    """Instance dicts of one class: in order, out of order, with one deleted, with one that the others lack."""
    first, second, third, fourth = Instance("a", "b", "c"), Instance("c", "a", "b"), Instance("a", "b", "c"), Instance("a")
    del third.b
    third.b = "again"
    fourth.b, fourth.d = 2, "d"
    empty = Instance()
    return [instance.__dict__ for instance in (first, second, third, fourth, empty)]


def deleted(count, keep):
    made = {number: "value" for number in range(count)}
    for number in range(count - keep):
        del made[number]
    return made


def mixed(count):
    return [VALUES[number % len(VALUES)] for number in range(count)]


SPARSE = set(range(5000))
SPARSE -= set(range(10, 4990))
CYCLE = []
CYCLE.append(CYCLE)
ORDERED = collections.OrderedDict(b=1, a="one")
ORDERED.move_to_end("b")
COUNTER = collections.Counter("mississippi")
GROWN = {}
for at in range(200):
    GROWN["key %d" % at] = at if at % 2 else str(at)
    GROWN.pop("key %d" % (at - 3), None)

CONTAINERS = [
    {}, [], (), set(), frozenset(),
    {"a": 1, "b": "two"}, {1: 2, "b": None}, {Text("key"): 1, "other": 2}, {Colour.RED: 1}, {(1, 2): [3], None: {}},
    {"été": 1, "λ": 2, "\U0001f40d": 3, "lone \ud800": 4, "": 5, "x" * 5000: 6},
    {str(number): number for number in range(64)}, {str(number): number for number in range(65)},
    {number: str(number) for number in range(300)}, {number: number for number in range(70000)},
    dict.fromkeys(range(10 ** 6)), {str(number): number for number in range(10 ** 6)},
    deleted(1000, 5), deleted(100, 1), GROWN,
    DictSubclass(a=1), ORDERED, COUNTER, collections.defaultdict(list, a=[1]),
    *split(), many_attributes(29), many_attributes(40), Plain.__dict__.copy(), sys.modules, globals().copy(),
    [1], [1, "a"], mixed(31), mixed(32), mixed(33), mixed(500), mixed(513), mixed(10 ** 5), CYCLE,
    list(range(10 ** 6)), ListSubclass([1, None]), [None] * 40, [[] for _ in range(40)],
    (1,), tuple(mixed(31)), tuple(mixed(100)), tuple(mixed(1000)), TupleSubclass((1, "a")), Point(1, 2.5),
    sys.version_info, sys.flags,
    {1}, {"a", None, 3, 2.5}, set(map(str, range(100))), set(range(10 ** 6)), SPARSE, frozenset(range(40)),
    SetSubclass([1, "a"]), Deeper([None]), FrozenSubclass([1]), set_([2]), set(range(5)) - {1, 2},
]
OTHERS = [1, "text", b"bytes", None, Plain(), Instance("a"), iter([]), {}.keys(), range(3), collections.deque([1]), Plain, len]


def text(key):
    """What JSON can carry: the reader also replaces what is no character."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in key)


def describe(value):
    row = {"address": id(value), "length": len(value), "type": type_name(value)}
    if isinstance(value, dict):
        first = [item for item, _ in zip(dict.items(value), range(64))]
        row["kind"] = "dict"
        row["keys"] = [["str", text(key)] if type(key) is str else ["other", type_name(key)] for key, _ in first]
        row["values"] = [type_name(value) for _, value in first]
    elif isinstance(value, (list, tuple)):
        row["kind"] = "list" if isinstance(value, list) else "tuple"
        count = min(len(value), 32)
        row["types"] = [type_name(value[at * len(value) // count]) for at in range(count)]
    else:
        row["kind"] = "set"
        row["types"] = sorted({type_name(item) for item in value})
    return row


CHANGING = [{}, [], set()]


def change():
    """Each container holds one type at a time. It rests when it is full, so that some looks find it at rest."""
    as_dict, as_list, as_set = CHANGING
    fillings = [[kind(number) for number in range(300, 300 + count)] for kind, count in ((int, 40), (str, 25), (float, 60))]
    while True:
        for values in fillings:
            for value in values:
                as_dict[value] = value
                as_list.append(value)
                as_set.add(value)
            time.sleep(0.0002)
            as_dict.clear()
            as_list.clear()
            as_set.clear()


def main():
    report = {
        "hex": sys.hexversion,
        "containers": [describe(value) for value in CONTAINERS],
        "others": [id(value) for value in OTHERS],
        "changing": [id(value) for value in CHANGING],
    }
    threading.Thread(target=change, daemon=True).start()
    print(json.dumps(report), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
