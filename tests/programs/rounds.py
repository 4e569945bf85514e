"""How long a program of this folder runs: MOLT_TEST_SECONDS, and one round at least."""
import os
import time


def rounds():
    end = time.monotonic() + float(os.environ.get("MOLT_TEST_SECONDS", "0"))
    yield
    while time.monotonic() < end:
        yield
