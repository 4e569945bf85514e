"""Containers that are larger than a reader may like, where molt looks at them: in a call, a frame, a module, a class."""
import sys
import time
import types

KEYS = 10_000_000


class Holder:
    table = None


def use(numbers, texts):
    kept = numbers
    return len(kept) + len(texts)


numbers = dict.fromkeys(range(KEYS))
texts = {"key %d" % number: number for number in range(100_000)}
Holder.table = numbers
holder = Holder()
holder.__dict__.update(texts)
module = types.ModuleType("module")
module.table = numbers
sys.modules["module"] = module
for _ in range(20):
    use(numbers, texts)
    time.sleep(0.1)
print(KEYS + len(texts), use(numbers, texts))
