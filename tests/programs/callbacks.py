# C code that calls back into Python: sorted, map, filter, reduce, partial, re.sub, max, iter, special methods.
# expect: __main__.by_key __main__.double __main__.keep __main__.join __main__.scaled __main__.replace
# expect: __main__.Item.__lt__ __main__.Item.__hash__
import functools
import re

from rounds import rounds


def spin(n):
    for _ in range(n):
        pass


def by_key(n):
    for _ in range(50):
        pass
    return -n


def double(n):
    for _ in range(50):
        pass
    return n * 2


def keep(n):
    for _ in range(50):
        pass
    return n % 3


def join(a, b):
    for _ in range(50):
        pass
    return a + b


def scaled(factor, n, offset=0):
    for _ in range(50):
        pass
    return factor * n + offset


def replace(match):
    for _ in range(500):
        pass
    return match.group().upper()


class Item:
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        spin(20)
        for _ in range(50):
            pass
        return self.n < other.n

    def __hash__(self):
        for _ in range(100):
            pass
        return hash(self.n)

    def __eq__(self, other):
        return self.n == other.n


def main():
    numbers = [n * 7919 % 101 for n in range(101)]
    total = sum(sorted(numbers, key=by_key)[:10]) + sum(map(double, filter(keep, numbers)))
    total += functools.reduce(join, numbers) + max(map(functools.partial(scaled, 3, offset=1), numbers))
    total += len(re.sub("[aeiou]", replace, "the quick brown fox jumps over the lazy dog" * 5))
    items = [Item(n) for n in numbers[:20]]
    items.sort()
    return total + len({item: item.n for item in items})


for _ in rounds():
    result = main()
print(result)
