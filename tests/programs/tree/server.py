# A server that forks its workers beforehand and forks another for each that dies, until its input ends.
import os
import select
import signal
import sys
import time

WORKERS = 4


def serve():
    while True:
        handle()
        time.sleep(0.001)


def handle():
    for _ in range(20000):
        pass


def start():
    pid = os.fork()
    if pid == 0:
        serve()
    return pid


workers = [start() for _ in range(WORKERS)]
print("ready", *workers, flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    pid, _ = os.waitpid(-1, os.WNOHANG)
    if pid:
        workers[workers.index(pid)] = start()
        print("restarted", pid, flush=True)
for worker in workers:
    os.kill(worker, signal.SIGKILL)
