# Functions made in functions, with cells that they share.
# expect: __main__.adder.<locals>.add __main__.counter.<locals>.count
# expect: __main__.counter.<locals>.read __main__.outer.<locals>.middle.<locals>.inner
from rounds import rounds


def adder(n):
    def add(x):
        for _ in range(100):
            x += n
        return x

    return add


def counter():
    seen = 0

    def count():
        nonlocal seen
        for _ in range(100):
            seen += 1

    def read():
        for _ in range(100):
            value = seen
        return value

    return count, read


def outer(a):
    def middle(b):
        def inner(c):
            for _ in range(100):
                c += a + b
            return c

        return inner

    return middle


def main():
    add = adder(3)
    count, read = counter()
    inner = outer(1)(2)
    total = 0
    for n in range(100):
        count()
        total += add(n) + read() + inner(n)
    return total


for _ in rounds():
    result = main()
print(result)
