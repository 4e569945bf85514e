"""Makes one system call without end, and some others once in the midst of it."""
import os
import socket

SHORT = 60_000
LONG = 3_000_000

zero = os.open("/dev/zero", os.O_RDONLY)
own = os.open(__file__, os.O_RDONLY)


def short_storm(count):
    for _ in range(count):
        os.read(zero, 1)


def syncs():
    os.fsync(own)


def reads_in_place():
    os.pread(own, 1, 0)


def connects():
    with socket.socket() as client:
        try:
            client.connect(("127.0.0.1", 1))
        except OSError:
            pass


def long_storm():
    for _ in range(LONG):
        os.read(zero, 1)


for single in (syncs, reads_in_place, connects):
    short_storm(SHORT // 3)
    single()
long_storm()
