# A worker joins the control group of the argument and takes memory until the kernel kills it; another works instead.
import os
import sys
import time

from forks import child, work


def grow():
    taken = []
    while True:
        taken.append(bytearray(1 << 20))
        work(0.005)


def join_and_grow():
    with open(os.path.join(sys.argv[1], "cgroup.procs"), "w") as members:
        members.write(str(os.getpid()))
    grow()


def work_instead():
    work(0.1)


def parent():
    work(0.1)


# Until the modules were looked at.
time.sleep(0.3)
_, status = os.waitpid(child(join_and_grow), 0)
print("killed by", os.WTERMSIG(status))
instead = child(work_instead)
parent()
os.waitpid(instead, 0)
