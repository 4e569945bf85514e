"""Spends its time in what is written in C, and says what is called where."""
import functools
import math
import os
import time
from collections import deque
from math import factorial as product

UNTIL = time.monotonic() + float(os.environ.get("MOLT_TEST_SECONDS", "1"))
NUMBERS = list(range(4000))
TEXT = "some words " * 2000
MIXED = NUMBERS[::-1]
TOTAL = functools.partial(sum, NUMBERS)


def builtin():
    return sorted(NUMBERS, reverse=True)


def of_a_module():
    return math.fsum(NUMBERS)


def by_another_name():
    return product(700)


def method_of_a_builtin():
    return TEXT.replace("words", "letters")


def method_of_an_argument(things):
    return things.index(0)


def method_of_a_result():
    return TEXT.upper().count("WORDS")


def class_in_c():
    return deque(NUMBERS)


def class_method():
    return dict.fromkeys(NUMBERS)


def with_keywords():
    return max(NUMBERS, default=0, key=None)


def unpacked():
    arguments = [NUMBERS]
    return frozenset(*arguments)


def object_in_c():
    return TOTAL()


def name(called):
    module = getattr(called, "__module__", None)
    return called.__qualname__ if module in (None, "builtins") else f"{module}.{called.__qualname__}"


CALLS = {
    builtin: (sorted, "builtin"),
    of_a_module: (math.fsum, "builtin"),
    by_another_name: (product, "builtin"),
    method_of_a_builtin: (str.replace, "builtin"),
    method_of_an_argument: (list.index, "builtin"),
    method_of_a_result: (str.count, "builtin"),
    class_in_c: (deque, "class"),
    class_method: (dict.fromkeys, "builtin"),
    with_keywords: (max, "builtin"),
    unpacked: (frozenset, "class"),
    object_in_c: (functools.partial, "c"),
}

while True:
    for function in CALLS:
        arguments = (MIXED,) if function is method_of_an_argument else ()
        until = time.monotonic() + 0.01
        while time.monotonic() < until:
            function(*arguments)
    if time.monotonic() >= UNTIL:
        break
for function, (called, kind) in CALLS.items():
    print(function.__name__, name(called), kind)
