# Python functions that C code calls back: the caller is the Python function whose call is going on.
import functools
import itertools
import re


def key(value):
    return -value


def double(value, by=2):
    return value * by


def odd(value):
    return value % 2


def add(left, right):
    return left + right


def compare(left, right):
    return left - right


def shout(match):
    return match.group().upper()


def scaled(factor, value, *, offset=0):
    return factor * value + offset


@functools.lru_cache(maxsize=4)
def cached(value):
    return str(value)


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@functools.wraps(double)
def wrapped(*args, **kwargs):
    return double(*args, **kwargs)


@functools.singledispatch
def dispatched(value):
    return "any"


@dispatched.register(int)
def dispatched_int(value):
    return "int"


def endless(state=[0]):
    state[0] += 1
    return state[0]


def main():
    numbers = [n * 7 % 11 for n in range(11)]
    sorted(numbers, key=key)
    numbers.sort(key=key)
    min(numbers, key=key), max(numbers, key=lambda value: value)
    list(map(double, numbers))
    list(map(double, numbers, map(float, numbers)))
    list(filter(odd, numbers))
    functools.reduce(add, numbers)
    functools.reduce(add, map(str, numbers), "")
    sorted(numbers, key=functools.cmp_to_key(compare))
    re.sub("[aeiou]", shout, "the quick brown fox")
    partial = functools.partial(scaled, 3, offset=1)
    partial(4)
    list(map(partial, numbers))
    for value in (1, 2, 1, "1", 2, 3, 4, 5, 1):
        cached(value)
    fibonacci(15)
    wrapped(4), wrapped("4", by=3)
    dispatched(1), dispatched("1"), dispatched(None)
    list(itertools.starmap(add, [(1, 2), ("a", "b")]))
    list(itertools.accumulate(numbers, add))
    [list(group) for _, group in itertools.groupby(numbers, odd)]
    list(iter(endless, 5))
    list(itertools.takewhile(odd, [1, 3, 4, 5]))
    try:
        sorted(numbers, key=fail)
    except ValueError:
        pass
    return sum(map(double, filter(odd, numbers)))


def fail(value):
    if value > 5:
        raise ValueError(value)
    return value


print(main())
