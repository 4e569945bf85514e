# Many calls from few places, with many kinds of arguments at one of them.


class Shape:
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side * self.side


class Round(Shape):
    def area(self):
        return self.side * 3


KINDS = (1, 1.5, "text", b"bytes", None, True, (), [], {}, set(), frozenset(), 1j, range(0), slice(0), Ellipsis)


def leaf(value):
    return value


def pair(left, right):
    return left


def main():
    total = 0
    for n in range(3000):
        leaf(n)
        shape = Round(n) if n % 3 else Shape(float(n))
        total += shape.area()
        leaf(KINDS[n % len(KINDS)])
        pair(KINDS[n % 4], KINDS[n % 5])
    return total


print(main())
