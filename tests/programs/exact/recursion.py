# Recursion to a depth of 5,000, on the main thread and on another, with results and with an exception.
import sys
import threading

sys.setrecursionlimit(20000)
threading.stack_size(256 << 20)


def down(n):
    return down(n - 1) + 1 if n else 0


def fails(n):
    if n:
        fails(n - 1)
    else:
        raise ValueError


def even(n):
    return odd(n - 1) if n else True


def odd(n):
    return even(n - 1) if n else False


def main():
    down(5000)
    even(301)
    try:
        fails(1500)
    except ValueError:
        pass


for _ in range(2):
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
threading.stack_size(0)
print(down(60), even(61))
