# The text of `-c`: the test hands this file's content over as the argument.
# expect: __main__.commanded
import sys
from rounds import rounds


def commanded(n):
    for _ in range(5000):
        n += 1
    return n


for _ in rounds():
    result = commanded(1)
print(result, sys.argv)
