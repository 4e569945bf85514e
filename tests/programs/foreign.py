"""Spends its time in what is written in C, and says what is called where."""
import functools
import math
import os
import time
from collections import deque
from math import factorial as product

UNTIL = time.process_time() + float(os.environ.get("MOLT_TEST_SECONDS", "1"))
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
    return sorted(NUMBERS).index(3999)


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
    method_of_a_result: (list.index, "builtin"),
    class_in_c: (deque, "class"),
    class_method: (dict.fromkeys, "builtin"),
    with_keywords: (max, "builtin"),
    unpacked: (frozenset, "class"),
    object_in_c: (functools.partial, "c"),
}

while True:
    for function in CALLS:
        arguments = (MIXED,) if function is method_of_an_argument else ()
        until = time.process_time() + 0.01
        while time.process_time() < until:
            function(*arguments)
    if time.process_time() >= UNTIL:
        break
for function, (called, kind) in CALLS.items():
    print(function.__name__, name(called), kind)
