# A package run with `-m package`: relative imports, and functions in __main__ and beside it.
# expect: __main__.run package.core.work package.core.Tool.use
import sys

from rounds import rounds

from . import core


def run(n):
    for _ in range(5000):
        n += 1
    return core.work(n) + core.Tool().use(n)


for _ in rounds():
    result = run(len(sys.argv))
print(result, sys.argv[1:])
