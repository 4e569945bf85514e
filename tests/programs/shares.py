# Five functions with known shares of CPU time, kept by the thread's own clock in turns of 20 ms.
# share: __main__.forty 40
# share: __main__.twenty_five 25
# share: __main__.twenty 20
# share: __main__.ten 10
# share: __main__.five 5
from time import thread_time

from rounds import rounds


def forty(until):
    while thread_time() < until:
        for _ in range(50):
            pass


def twenty_five(until):
    while thread_time() < until:
        for _ in range(50):
            pass


def twenty(until):
    while thread_time() < until:
        for _ in range(50):
            pass


def ten(until):
    while thread_time() < until:
        for _ in range(50):
            pass


def five(until):
    while thread_time() < until:
        for _ in range(50):
            pass


TURN = 0.02
for _ in rounds():
    # Each function runs until the end of its own part, so that what is spent between them does not add up.
    start = thread_time()
    forty(start + 0.40 * TURN)
    twenty_five(start + 0.65 * TURN)
    twenty(start + 0.85 * TURN)
    ten(start + 0.95 * TURN)
    five(start + TURN)
print("done")
