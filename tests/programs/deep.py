# A stack of 1,000 frames, deeper than one sample's walk.
# expect: __main__.down __main__.bottom
import sys

from rounds import rounds

sys.setrecursionlimit(3000)


def bottom():
    total = 0
    for n in range(20000):
        total += n & 1
    return total


def down(n):
    for _ in range(50):
        pass
    return down(n - 1) if n else bottom()


for _ in rounds():
    result = down(1000)
print(result)
