"""Prints, as one line of JSON, which objects the garbage collector keeps track of, what its own locals are, and a class
that it then changes with each line that it reads."""
import gc
import json
import sys


class Base:
    pass


class OtherBase:
    pass


class Changing(Base):
    pass


class Kept:
    def __init__(self, number):
        self.number = number


def wait(first, second):
    def inner():
        return first

    third = Kept(3)
    young = [Kept(number) for number in range(20)]
    old = [Kept(number) for number in range(20)]
    gc.collect()
    gc.disable()
    fresh = [Kept(number) for number in range(20)]
    report = {
        "hex": sys.hexversion,
        "kept": [id(kept) for kept in young + old + fresh],
        "class": id(Kept),
        "locals": [id(first), id(second), id(third), id(young)],
        "changing": id(Changing),
        "count": len(gc.get_objects()),
    }
    print(json.dumps(report), flush=True)
    for number, _ in enumerate(sys.stdin):
        if number == 0:
            Changing.added = 1
        elif number == 1:
            Changing.added = "rebound"
        elif number == 2:
            Changing.__bases__ = (OtherBase,)
        else:
            del Changing.added
        print("{}", flush=True)
    return inner, fresh


if __name__ == "__main__":
    wait(Kept(1), "second" * 2)
