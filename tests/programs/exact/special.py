# Special methods that C code calls: operators, containers, conversions, context managers, iteration.
import operator


class Number:
    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Number(self.value + getattr(other, "value", other))

    def __radd__(self, other):
        return self + other

    def __iadd__(self, other):
        self.value += other
        return self

    def __mul__(self, other):
        return NotImplemented if isinstance(other, str) else Number(self.value * other)

    def __neg__(self):
        return Number(-self.value)

    def __lt__(self, other):
        return self.value < other.value

    def __eq__(self, other):
        return isinstance(other, Number) and self.value == other.value

    def __hash__(self):
        return hash(self.value)

    def __index__(self):
        return self.value

    def __int__(self):
        return self.value

    def __float__(self):
        return float(self.value)

    def __bool__(self):
        return self.value != 0

    def __repr__(self):
        return "Number"

    def __format__(self, how):
        return how

    def __str__(self):
        return "number"


class Bag:
    def __init__(self, *items):
        self.items = list(items)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, key):
        return self.items[key]

    def __setitem__(self, key, value):
        self.items[key] = value

    def __delitem__(self, key):
        del self.items[key]

    def __contains__(self, item):
        return item in self.items

    def __iter__(self):
        return iter(self.items)

    def __reversed__(self):
        return reversed(self.items)

    def __missing__(self, key):
        return key


class Count:
    def __init__(self, end):
        self.at, self.end = 0, end

    def __iter__(self):
        return self

    def __next__(self):
        if self.at == self.end:
            raise StopIteration
        self.at += 1
        return self.at


class Old:
    def __getitem__(self, index):
        if index > 3:
            raise IndexError
        return index


class Guard:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return kind is KeyError


class Default(dict):
    def __missing__(self, key):
        return len(key)


def main():
    one, two = Number(1), Number(2)
    three = one + two
    three += 4
    sum([one, two, 3])
    operator.add(one, 1)
    two * 3
    try:
        two * "3"
    except TypeError:
        pass
    sorted([-three, two, one])
    max(one, two, three)
    [one, two].index(two)
    {one: 1, two: 2}[one]
    one in {one, two}
    one == 1
    one != two
    [10, 20, 30][one]
    "{:x} {} {!r}".format(one, one, one)
    f"{one} {one!r} {one:>5}"
    "%s %r %d" % (one, one, one)
    int(one), float(one), bool(one), hash(one), range(two)
    if one and not Number(0):
        str([one, two])
    bag = Bag(one, 2, "three")
    len(bag), bag[0], 2 in bag, list(bag), list(reversed(bag))
    bag[1] = 5
    del bag[1]
    first, second = bag
    [*bag, *bag]
    for _ in Count(3):
        pass
    list(Count(4)), sum(Count(2)), tuple(Old()), dict(zip(Count(2), Old()))
    2 in Old()
    with Guard() as guard:
        pass
    with Guard(), guard:
        raise KeyError
    try:
        with Guard():
            raise ValueError
    except ValueError:
        pass
    return Default()["four"] + next(Count(1)) + next(Count(0), 5)


print(main())
