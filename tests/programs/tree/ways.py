# Every way to make a process that runs Python: each child works in a function of its own.
import multiprocessing
import os
import subprocess
import sys
import time


def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def by_fork():
    work(0.15)


def by_spawn():
    work(0.15)


def by_forkserver():
    work(0.15)


def by_exec(function):
    code = "import time\ndef %s():\n end = time.process_time() + 0.15\n while time.process_time() < end: pass\n%s()"
    return [sys.executable, "-c", code % (function, function)]


def main():
    for method, function in (("fork", by_fork), ("spawn", by_spawn), ("forkserver", by_forkserver)):
        child = multiprocessing.get_context(method).Process(target=function)
        child.start()
        child.join()
    made = os.posix_spawn(sys.executable, by_exec("by_posix_spawn"), os.environ)
    os.waitpid(made, 0)
    # From 3.10 on by vfork.
    subprocess.run(by_exec("by_subprocess"), check=True)


if __name__ == "__main__":
    main()
