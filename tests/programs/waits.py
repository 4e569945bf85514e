# Works until its standard input ends. Ctrl-C ends it with status 7, unless it is told to be stubborn.
import os
import select
import signal
import sys


def work():
    for _ in range(10000):
        pass


if "stubborn" in sys.argv:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    print("ready", os.getpid(), flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        work()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
print("done", flush=True)
