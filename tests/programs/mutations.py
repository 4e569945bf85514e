"""One function for each way to change a module after its import."""
import importlib
import sys
import time
import types
from unittest import mock

import mutated
import reloaded

ROUNDS = 5
own = 0


def patches():
    mutated.patched = time.time()


def adds():
    mutated.added = patches


def sets(name):
    setattr(mutated, name, patches)


def removes():
    del mutated.removed


def mocks():
    with mock.patch.object(mutated, "mocked", 4):
        pass
    with mock.patch.object(mutated, "created", 5, create=True):
        pass


def counts():
    global own
    own += 1000
    for _ in range(ROUNDS):
        mutated.bump()


def made():
    # In no entry of sys.modules.
    module = types.ModuleType("made")
    module.attribute = 1


class Instance:
    def __init__(self):
        self.attribute = 1


def main():
    for number in range(ROUNDS):
        patches()
        adds()
        # Names that are no constants of the program.
        sets("dynamic_" + str(number))
        Instance()
    removes()
    mocks()
    made()
    counts()
    mutated.fill()


# Until the namespaces were looked at: a fact of two looks needs the first.
time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 0)
main()
importlib.reload(reloaded)
print("done")
