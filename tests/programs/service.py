# Answers each line, a number, with the sum of what it works out for it. Ends with its standard input.
import select
import socket
import sys


def share(number):
    return sum(step * number % 7 for step in range(200))


def answer(line):
    return b"%d\n" % sum(share(int(line) + add) for add in range(3))


listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
clients = {}
while True:
    readable = select.select([sys.stdin, listener, *clients], [], [])[0]
    if sys.stdin in readable:
        break
    for one in readable:
        if one is listener:
            clients[one.accept()[0]] = b""
            continue
        read = one.recv(4096)
        if not read:
            del clients[one]
            one.close()
            continue
        *lines, clients[one] = (clients[one] + read).split(b"\n")
        for line in lines:
            one.sendall(answer(line))
print("done", flush=True)
