"""Prints, as one line of JSON, what the interpreter itself says of its types. Then makes one class after the
other for each line that it reads, freeing the one before, and says which.

Arguments: the modules to import.
"""
import abc
import collections
import dataclasses
import enum
import functools
import gc
import importlib
import json
import re
import sys
import typing
import warnings

QUALNAME = vars(type)["__qualname__"].__get__
MODULE = vars(type)["__module__"].__get__
HEAP_TYPE = 1 << 9


class Outer:
    class Inner:
        class Innermost:
            pass


def local():
    class Local:
        class Below:
            pass
    return Local, Local.Below


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


class Abstract(abc.ABC):
    @abc.abstractmethod
    def method(self):
        pass


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Data:
    value: int = 1


class Named(typing.NamedTuple):
    value: int


class Étage:
    pass


class NoModule:
    __module__ = None


class ModuleProperty:
    @property
    def __module__(self):
        return "of the instance"


class Renamed:
    pass


class Moved:
    pass


class Many:
    pass


class Changed:
    pass


Renamed.__qualname__ = "Other.name"
Renamed.__name__ = "other"
Moved.__module__ = "else.where"
Many = type("Many", (), {"attr_%d" % number: number for number in range(10000)})
Late = type("Late", (), dict({"attr_%d" % number: number for number in range(300)}, __module__="late"))
for number in range(300):
    setattr(Late, "after_%d" % number, number)
Changed.method = abc.abstractmethod(lambda self: 1)
collections.abc.Sequence.register(Changed)

exec("""
class Executed:
    class Inside: pass
""", {"__name__": "executed.module"})

KEPT = [
    *local(),
    type("made", (dict,), {}),
    type("x" * 1000, (), {}),
    type("y" * 10**6, (), {}),
    type("snow\N{SNOWMAN}", (), {}),
    type("dotted.name", (), {}),
    collections.namedtuple("Point", "x y"),
    re.Pattern,
    functools.partial,
]


def classes():
    """Every type that can be reached from `object`."""
    found, left = {}, [object]
    while left:
        kind = left.pop()
        if kind not in found:
            found[kind] = None
            left += type.__subclasses__(kind)
    return list(found)


def name(kind):
    try:
        module = MODULE(kind)
    except AttributeError:
        module = None
    qualname = QUALNAME(kind)
    if module == "builtins":
        return qualname
    return "%s.%s" % (module if isinstance(module, str) else "?", qualname)


def describe(kind):
    return {
        "address": id(kind),
        "name": name(kind),
        "heap": bool(kind.__flags__ & HEAP_TYPE),
        "metaclass": name(type(kind)),
    }


def one_after_the_other():
    made = None
    for number, line in enumerate(sys.stdin):
        del made
        gc.collect()
        namespace = {"__name__": "made"}
        exec("class C%d:\n    class_%d = 1\nmade = C%d" % ((number,) * 3), namespace)
        made = namespace.pop("made")
        del namespace
        print(json.dumps(describe(made)), flush=True)


def main():
    warnings.simplefilter("ignore")
    missing = []
    for wanted in sys.argv[1:]:
        try:
            importlib.import_module(wanted)
        except ImportError:
            missing.append(wanted)
    types = [describe(kind) for kind in classes()]
    others = {"module": id(sys), "str": id("text"), "function": id(describe), "none": id(None)}
    report = {"hex": sys.hexversion, "types": types, "others": others, "missing": missing}
    print(json.dumps(report), flush=True)
    one_after_the_other()


if __name__ == "__main__":
    main()
