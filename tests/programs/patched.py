"""Changes that only a comparison of two looks shows, and mock.patch."""
import importlib
import sys
import time
from unittest import mock

import mutated
import reloaded

own = 0


def counts():
    global own
    for _ in range(1000):
        own += 1
        mutated.bump()


def main():
    with mock.patch.object(mutated, "mocked", 4):
        pass
    with mock.patch.object(mutated, "created", 5, create=True):
        pass
    counts()
    mutated.fill()
    importlib.reload(reloaded)


# Until the modules were looked at.
time.sleep(1.5)
main()
