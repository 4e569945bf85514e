# A parent and two children, each of which works in a function of its own.
import os
import time

from forks import child, work


def first():
    work(0.2)


def second():
    work(0.2)


def parent():
    work(0.2)


# Until the modules were looked at.
time.sleep(0.3)
children = [child(first), child(second)]
parent()
for pid in children:
    os.waitpid(pid, 0)
