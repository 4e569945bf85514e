"""Prints, as one line of JSON, what the interpreter itself says is in its classes, and what was put into
instances of some of them. Then waits.

Arguments: the modules to import.
"""
import importlib
import json
import sys
import warnings

from type_objects import Data, Named, Meta, classes, name

MRO = vars(type)["__mro__"].__get__
BASES = vars(type)["__bases__"].__get__
VALUES = [1, "text", None, 1.5, b"bytes", True, (1,), [2]]


class Plain:
    pass


class WithInit:
    def __init__(self):
        self.first = 1
        self.second = "two"
        self.third = None


class Slots:
    __slots__ = ("one", "two", "__private")

    def __init__(self):
        self.two = "two"
        self.__private = 3


class SlotsAndDict(Slots):
    __slots__ = ("__dict__", "three", "__weakref__")


class MoreSlots(SlotsAndDict):
    __slots__ = ("four", "one")


class DictSubclass(dict):
    pass


class IntSubclass(int):
    pass


class TupleSubclass(tuple):
    pass


class StrSubclass(str):
    pass


class BytesSubclass(bytes):
    pass


class Failure(Exception):
    pass


class WithMeta(metaclass=Meta):
    pass


class Same(WithInit):
    """Its instances all have the same attributes."""


SAME = [Same() for _ in range(3)]
EXPECTED = []


def expect(made, slots, *names, values=None):
    """Sets the attributes, and notes what must be found."""
    for number, attribute in enumerate(names):
        setattr(made, attribute, VALUES[number % len(VALUES)])
    found = [[attribute, name(type(VALUES[number % len(VALUES)]))] for number, attribute in enumerate(names)]
    EXPECTED.append((made, slots, found if values is None else values))
    return made


def make():
    many = ["name_%d" % number for number in range(40)]
    for number in (0, 1, 5, 29, 30, 31, 40):
        expect(type("Fresh%d" % number, (), {})(), [], *many[:number])
        expect(Plain(), [], *many[:number])
        expect(Plain(), [], *reversed(many[:number]))
    expect(WithInit(), [], values=[["first", "int"], ["second", "str"], ["third", "NoneType"]])
    touched = expect(WithInit(), [], values=[["first", "int"], ["second", "str"], ["third", "NoneType"]])
    touched.__dict__
    changed = expect(WithInit(), [], values=[["second", "str"], ["third", "NoneType"], ["first", "float"]])
    del changed.first
    changed.first = 1.5
    grown = expect(WithInit(), [], values=[["first", "int"], ["second", "str"], ["third", "NoneType"], ["extra", "list"]])
    grown.__dict__["extra"] = []
    odd = expect(Plain(), [], values=[["a", "int"], ["b", "str"]])
    odd.__dict__.update({"a": 1, 2: 3, None: 4, "b": "b"})
    replaced = expect(Plain(), [], values=[["new", "int"]])
    replaced.__dict__ = {"new": 1}
    moved = expect(WithInit(), [], values=[["first", "int"], ["second", "str"], ["third", "NoneType"]])
    moved.__class__ = Plain
    own = [["_Slots__private", "int"], ["two", "str"]]
    expect(Slots(), own)
    full = expect(Slots(), [own[0], ["one", "NoneType"], own[1]])
    full.one = None
    both = expect(SlotsAndDict(), [["three", "int"], *own], values=[["five", "list"]])
    both.three, both.five = 3, []
    more = expect(MoreSlots(), [["one", "str"], *own])
    more.one = "of the subclass"
    for made in (DictSubclass(a=1), IntSubclass(5), IntSubclass(-2 ** 100), IntSubclass(0), TupleSubclass((1, 2, 3)),
                 TupleSubclass(), StrSubclass("text"), BytesSubclass(b"12345"), Failure("why"), WithMeta(), Data(1)):
        names = [["value", "int"]] if isinstance(made, Data) else []
        expect(made, [], values=names)
    for made in (DictSubclass(a=1), IntSubclass(5), IntSubclass(-2 ** 100), TupleSubclass((1, 2, 3)), TupleSubclass(),
                 StrSubclass("text"), BytesSubclass(b"12345"), Failure("why"), WithMeta()):
        expect(made, [], "a", "b", "c")
    for made in (1, "text", (), [], {}, None, Named(1), len):
        expect(made, [])


def describe(kind):
    attributes = [[key, name(type(value))] for key, value in vars(kind).items() if isinstance(key, str)]
    names = [key for key, _ in attributes]
    return {
        "address": id(kind),
        "name": name(kind)[:200],
        "bases": [name(base)[:200] for base in BASES(kind)],
        "mro": [name(base)[:200] for base in MRO(kind)],
        "attributes": attributes,
        "form": [
            "__dataclass_fields__" in names,
            any(meta.__name__ in ("EnumMeta", "EnumType") for meta in type(kind).__mro__),
            issubclass(kind, tuple) and "_fields" in names,
            "__slots__" in names,
        ],
    }


def main():
    warnings.simplefilter("ignore")
    for wanted in sys.argv[1:]:
        importlib.import_module(wanted)
    make()
    instances = [
        {"address": id(made), "class": id(type(made)), "slots": slots, "dict": values}
        for made, slots, values in EXPECTED
    ]
    report = {
        "hex": sys.hexversion,
        "classes": [describe(kind) for kind in classes()],
        "instances": instances,
        "same": id(Same),
    }
    print(json.dumps(report), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
