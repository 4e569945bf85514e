"""Imports modules in the ways that there are, and collects garbage. It prints what the interpreter itself tells of both:
the modules that are new, in order, and how many milliseconds collections took."""
import gc
import importlib
import sys
import time

before = set(sys.modules)


def imports():
    import colorsys
    import json
    import xml.dom.minidom
    from email.mime import text
    import csv, decimal
    import concurrent.futures
    import sched
    importlib.import_module("wave")
    import molt_no_such_module


def collects():
    took = [0, 0]

    def watched(phase, info):
        now = time.perf_counter()
        if phase == "start":
            took[1] = now
        else:
            took[0] += now - took[1]

    gc.callbacks.append(watched)
    kept = [[[number]] for number in range(200_000)]
    for _ in range(3):
        # Garbage of which nothing else is left.
        ring = []
        ring.append(ring)
        del ring
        gc.collect()
    gc.callbacks.remove(watched)
    del kept
    return took[0] * 1000


gc.disable()
try:
    imports()
except ImportError:
    pass
for name in sys.modules:
    if name not in before:
        print("module", name)
print("collected", collects())
