"""Raises more audit events than anybody can pay for, and one of another kind when that is over."""
import time


def storm():
    for _ in range(1_000_000):
        id(None)


def later():
    open(__file__).close()


storm()
time.sleep(2)
later()
