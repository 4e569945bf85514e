# A zipapp: the test packs this folder and runs the archive.
# expect: __main__.run packed.work
import packed
from rounds import rounds


def run(n):
    for _ in range(5000):
        n += 1
    return packed.work(n)


for _ in rounds():
    result = run(1)
print(result)
