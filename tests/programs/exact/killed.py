# A program that is killed in the middle: nothing of it has a chance to say goodbye.
# status: 137
import os
import signal
import threading


def leaf(value):
    return value


def steps():
    while True:
        yield 1


def waits(started, never):
    leaf("thread")
    started.set()
    never.acquire()


def deep(depth, generator):
    next(generator)
    leaf(depth)
    if depth:
        return deep(depth - 1, generator)
    os.kill(os.getpid(), signal.SIGKILL)


def main():
    started, never = threading.Event(), threading.Lock()
    never.acquire()
    threading.Thread(target=waits, args=(started, never), daemon=True).start()
    started.wait()
    for value in (1, "2", None):
        leaf(value)
    print("killed", flush=True)
    deep(10, steps())


main()
