"""Makes a known number of calls between two moments that another process chooses, and tells both.

Waits and tells by plain system calls, so that no Python function runs besides those counted.
"""
import os
import sys

N = int(sys.argv[1])


def plain(value):
    return value


def produce(count):
    for value in range(count):
        yield value


def recurse(depth):
    return depth and recurse(depth - 1)


def fail():
    raise ValueError


def work():
    for value in range(N):
        plain(value)
    for _ in map(plain, range(N)):
        pass
    for _ in produce(N):
        pass
    for _ in range(N // 100):
        recurse(99)
    for _ in range(N):
        try:
            fail()
        except ValueError:
            pass


os.write(1, b"ready\n")
os.read(0, 1)
work()
os.write(1, b"done\n")
os.read(0, 1)
