# List, set, dict comprehensions and generator expressions, nested, in functions, classes and at module level.
# expect: __main__.squares __main__.nested
from rounds import rounds


def slow(n):
    for _ in range(30):
        pass
    return n


def squares(n):
    return [slow(i) * i for i in range(n)]


def nested(n):
    return {i: {slow(i + j) for j in range(5)} for i in range(n)}


class Table:
    cells = [[slow(i * j) for j in range(5)] for i in range(20)]


for _ in rounds():
    total = sum(squares(300)) + len(nested(60)) + len(Table.cells)
    total += sum(slow(n) for n in range(100)) + len([slow(n) for n in range(100)])
print(total)
