"""Makes instances of the classes of another module and of its own, waits, and changes some of the classes. With
`oracle` as its argument it prints what the interpreter itself says of them in the end."""
import json
import os
import sys
import time

import class_kinds
from class_kinds import (
    Changing, Colour, Data, Derived, Failure, Late, Mapping, Mixed, Named, Old, OtherBase, Plain, Rebased, Slots,
    SlotsAndDict, WithMeta,
)

MRO = vars(type)["__mro__"].__get__
BASES = vars(type)["__bases__"].__get__
MODULE = vars(type)["__module__"].__get__
QUALNAME = vars(type)["__qualname__"].__get__


class Own(Plain):
    limit = 3.5


def make():
    late = Late(1, 2)
    late.third = None
    other = Late.__new__(Late)
    other.third, other.second, other.first = [], 1.5, "first"
    both = SlotsAndDict()
    both.three, both.free = 3, {}
    full = Slots()
    full.two = ()
    failure = Failure("why")
    failure.reason = 1
    mapping = Mapping(a=1)
    mapping.note = "note"
    local = class_kinds.make_local()
    return [
        *(Plain(number, str(number)) for number in range(5)), Plain(1.5, None), Own(1, 2), Derived(b"", 2), late, other,
        Slots(), full, both, Data(2), Data(3, None), Named(1), Old(1, 2), failure, mapping, WithMeta(), Mixed(1, 2),
        local(), local(), Rebased(), Changing(),
    ]


def greet(things):
    return [thing.__class__ for thing in things]


def change():
    Changing.counter += 1
    Changing.added = None
    del Changing.removed
    Changing.method = lambda self: 2
    Rebased.__bases__ = (OtherBase,)


def name(kind):
    module, qualname = MODULE(kind), QUALNAME(kind)
    return qualname if module == "builtins" else module + "." + qualname


def classes():
    found, left = {}, [object]
    while left:
        kind = left.pop()
        if id(kind) not in found:
            found[id(kind)] = kind
            left.extend(type.__subclasses__(kind))
    return [kind for kind in found.values() if MODULE(kind) in ("__main__", "class_kinds")]


def oracle(things):
    report = {}
    for kind in classes():
        report[name(kind)] = {
            "bases": [name(base) for base in BASES(kind)],
            "mro": [name(base) for base in MRO(kind)],
            "metaclass": name(type(kind)),
            "attributes": {key: name(type(value)) for key, value in vars(kind).items()},
            "slots": [key for key, value in vars(kind).items() if type(value).__name__ == "member_descriptor"],
            "instances": [],
        }
    for thing in things:
        slots = [
            [key, name(type(value.__get__(thing)))]
            for kind in MRO(type(thing)) for key, value in vars(kind).items()
            if type(value).__name__ == "member_descriptor" and MODULE(kind) == "class_kinds" and is_set(value, thing)
        ]
        own = [[key, name(type(value))] for key, value in getattr(thing, "__dict__", {}).items()]
        report[name(type(thing))]["instances"].append([slots, own])
    print(json.dumps(report))


def is_set(slot, thing):
    try:
        slot.__get__(thing)
    except AttributeError:
        return False
    return True


def main():
    things = make()
    greet(things)
    assert Colour.RED in Colour
    # molt looks at classes now and then: what they were before they are changed.
    time.sleep(float(os.environ.get("MOLT_TEST_SECONDS", "0")))
    change()
    if sys.argv[1:] == ["oracle"]:
        oracle(things)
    return things


KEPT = main()
