"""One function for each way to assign to a module's attributes. With `oracle` as its argument it prints what the module
itself tells of it; in any case it prints how often garbage was collected."""
import gc
import sys
import types

import mutated

ROUNDS = 5


def patches(number):
    mutated.patched = [number]


def adds(number):
    mutated.added = number


def sets(name, number):
    # A name that is no constant of the program.
    setattr(mutated, name + "_" + str(number), number)


def removes():
    del mutated.removed


def puts_back(number):
    # As mock.patch does.
    before = mutated.mocked
    setattr(mutated, "mocked", number)
    setattr(mutated, "created", number)
    setattr(mutated, "mocked", before)
    delattr(mutated, "created")


def fails():
    try:
        del mutated.attribute_that_is_not_there
    except AttributeError:
        pass


class Instance:
    def __init__(self):
        self.patched = 1


def main():
    for number in range(ROUNDS):
        patches(number)
        adds(number)
        sets("dynamic", number)
        puts_back(number)
        # Neither a module, nor one that sys.modules holds.
        Instance()
        types.ModuleType("made").patched = number
    removes()


class Watched(types.ModuleType):
    """Counts what becomes of its attributes."""

    def __setattr__(self, name, value):
        note(name, "rebind" if name in self.__dict__ else "add")
        super().__setattr__(name, value)

    def __delattr__(self, name):
        note(name, "delete")
        super().__delattr__(name)


def note(name, kind):
    counts, by = truth.setdefault((name, kind), ([], set()))
    counts.append(1)
    by.add(sys._getframe(2).f_code.co_name)


truth = {}
if len(sys.argv) > 1:
    mutated.__class__ = Watched
main()
gc.disable()
for (name, kind), (counts, by) in sorted(truth.items()):
    print(name, kind, len(counts), *sorted(by))
for generation, stats in enumerate(gc.get_stats()):
    print("generation", generation, stats["collections"])
