"""One function for each kind of effect, and some that have none. With `oracle` as its argument it prints what the
interpreter itself tells of its audit events, by function and event."""
import os
import socket
import sys
import time

ROUNDS = 3


def opens():
    with open(os.devnull):
        pass


def writes():
    with open(os.devnull, "w") as sink:
        sink.write("x")


def connects():
    with socket.socket() as client:
        try:
            client.connect(("127.0.0.1", 1))
        except OSError:
            pass


def starts():
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def clock():
    return time.time()


def draws():
    return os.urandom(4)


def compiles():
    exec(compile("1 + 1", "made", "exec"))


def all_five():
    with open(os.devnull):
        pass
    client = socket.socket()
    try:
        client.connect(("127.0.0.1", 1))
    except OSError:
        pass
    client.close()
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    return time.time(), os.urandom(4)


def own():
    sys.audit("molt.test.event", 1)


def pure(number):
    return sum(part * part for part in range(number))


def main():
    for number in range(ROUNDS):
        opens()
        writes()
        connects()
        starts()
        clock()
        draws()
        compiles()
        all_five()
        own()
        pure(number)


def with_oracle():
    counts = {}
    getframe = sys._getframe
    inside = []

    def hook(event, arguments):
        if inside or not isinstance(event, str):
            return
        inside.append(1)
        frame = getframe(1)
        if frame.f_globals is globals():
            key = frame.f_code.co_name + " " + event
            counts[key] = counts.get(key, 0) + 1
        inside.pop()

    sys.addaudithook(hook)
    main()
    inside.append(1)
    for key in sorted(counts):
        print(key, counts[key])


if len(sys.argv) > 1:
    with_oracle()
else:
    main()
