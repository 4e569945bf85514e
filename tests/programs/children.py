# Child processes: os.fork, multiprocessing, and another interpreter through subprocess.
# expect: __main__.forked __main__.pooled __main__.grandchild __main__.parent
import multiprocessing
import os
import subprocess
import sys

from rounds import rounds

GRANDCHILD = """
def grandchild(n):
    for _ in range(900000):
        n += 1
    return n

print(grandchild(1), flush=True)
"""


def forked(n):
    for _ in range(600000):
        n += 1
    return n


def pooled(n):
    for _ in range(300000):
        n += 1
    return n


def parent(n):
    for _ in range(600000):
        n += 1
    return n


def main():
    pid = os.fork()
    if pid == 0:
        os._exit(forked(0) % 100 + 7)
    total = parent(0) + os.waitpid(pid, 0)[1]
    pool = multiprocessing.get_context("fork").Pool(2)
    total += sum(pool.map(pooled, range(4)))
    # Left to itself a pool kills its workers, and what they saw of themselves is lost.
    pool.close()
    pool.join()
    made = subprocess.run([sys.executable, "-c", GRANDCHILD], stdout=subprocess.PIPE, check=True)
    return total + int(made.stdout)


if __name__ == "__main__":
    for _ in rounds():
        result = main()
    print(result)
