"""sys.modules and audit events as no program should have them."""
import ctypes
import os
import sys
import time
import types


class Lazy:
    """Stands where a module was."""


def make():
    sys.modules["lazy"] = Lazy()
    sys.modules[("no", "str")] = types.ModuleType("tuple")
    sys.modules["long" * 250_000] = types.ModuleType("long")
    sys.modules[""] = types.ModuleType("")
    sys.modules["lone\udcff"] = types.ModuleType("lone")
    large = types.ModuleType("large")
    large.__dict__.update((str(number), number) for number in range(int(os.environ.get("MOLT_TEST_NAMES", 200_000))))
    sys.modules["large"] = large
    keys = types.ModuleType("keys")
    keys.__dict__[1] = keys.__dict__[None] = 2
    sys.modules["keys"] = keys
    for number in range(21_000):
        name = "made_%d" % number
        sys.modules[name] = types.ModuleType(name)


def assign():
    setattr(sys.modules["keys"], "", 1)
    setattr(sys.modules["keys"], "\u03bb", 1)
    setattr(sys.modules["keys"], "n" * 1_000_000, 1)


def audit():
    ctypes.pythonapi.PySys_Audit(b"molt.\xff.event", None)
    ctypes.pythonapi.PySys_Audit(b"", None)
    sys.audit("molt." + "long" * 100, "a" * 1_000_000)


make()
assign()
audit()
time.sleep(0.5)
