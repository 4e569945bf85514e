# A parent and two children, each of which works in a function of its own.
import os
import time


def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def first():
    work(0.2)


def second():
    work(0.2)


def parent():
    work(0.2)


def child(function):
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    return pid


# Until the modules were looked at.
time.sleep(0.3)
children = [child(first), child(second)]
parent()
for pid in children:
    os.waitpid(pid, 0)
