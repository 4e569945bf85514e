# Code that runs when objects are freed: __del__, weak references' callbacks, generators that are dropped.
import gc
import weakref

gc.disable()
LOG = []


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        LOG.append(self.name)


class Failing:
    def __del__(self):
        raise_quietly()


def raise_quietly():
    try:
        raise ValueError
    except ValueError:
        pass


def gone(reference):
    LOG.append("gone")


def drop(name):
    Noisy(name)
    noisy = Noisy(name)
    noisy = None
    return name


def held(n):
    noisy = Noisy("held")
    for value in range(n):
        yield value


def main():
    drop(1)
    drop("2")
    items = [Noisy(n) for n in range(5)]
    items.clear()
    kept = Noisy("kept")
    reference = weakref.ref(kept, gone)
    kept = None
    generator = held(3)
    next(generator)
    generator = None
    list(held(2))
    Failing()
    cycle = Noisy("cycle")
    cycle.self = cycle
    cycle = None
    gc.collect()
    return len(LOG), reference() is None


print(main())
