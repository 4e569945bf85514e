# Runs the same functions in a second interpreter, in a thread of its own, and others in the first one.
import threading

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

SECOND = """
def inner(times):
    total = 0
    for number in range(times):
        total += step(number)
    return total


def step(number):
    return number + 1


for _ in range(20):
    inner(500)
"""


def second():
    made = interpreters.create()
    interpreters.run_string(made, SECOND)
    interpreters.destroy(made)


def first(times):
    return sum(range(times))


thread = threading.Thread(target=second)
thread.start()
for _ in range(1000):
    first(1000)
thread.join()
