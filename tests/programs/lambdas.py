# Lambdas: several on one line, nested, as defaults, in a class.
# expect: __main__.<lambda> __main__.Holder.<lambda> __main__.make.<locals>.<lambda>
from rounds import rounds

add, subtract = lambda a, b: sum([a, b] * 100) // 100, lambda a, b: a - sum([b] * 100) // 100


def make(n):
    return lambda m: (lambda k: sum([k] * 200) // 200 + n)(m)


class Holder:
    method = lambda self, n: sum([n] * 200) // 200


for _ in rounds():
    total = 0
    for n in range(100):
        total += add(n, 1) + subtract(n, 1) + make(n)(1) + Holder().method(n)
print(total)
