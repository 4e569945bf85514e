# Parameters that inner functions capture live in cells from the start of the frame on.


def counter(start, step):
    def advance(by):
        nonlocal start
        start += by * step
        return start

    return advance


def composed(first, *functions, last=None, **named):
    return lambda value: (first, functions, last, named, value)


def every(items, limit):
    return [item for item in items if item < limit] + [n for n in range(limit) if n in items]


def rebound(value):
    def inner():
        return value

    before = inner()
    value = str(value)
    return before, inner()


class Outer:
    def method(self, value):
        class Inner:
            kept = value

            def get(self, outer=self):
                return outer, self, value, __class__

        return Inner().get()


def generator(items, by):
    yield from (item * by for item in items)


async def coroutine(value):
    def inner():
        return value

    return inner()


def main():
    for start, step in ((0, 1), (0.5, 2), ("", "x")):
        advance = counter(start, step)
        if start != "":
            advance(1)
            advance(2.5)
    composed(1)(2)
    composed("1", 2, 3, last=[], other=())(None)
    every([1, 2, 3], 3)
    every((1, 2), 2)
    rebound(1)
    rebound(None)
    Outer().method(1)
    Outer().method("1")
    list(generator([1, 2], 2))
    list(generator("ab", 2))
    try:
        coroutine(1.5).send(None)
    except StopIteration:
        pass
    return (lambda x: (lambda y: x + y)(2))(1)


print(main())
