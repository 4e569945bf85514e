# A script that the interpreter reads from its standard input.
# expect: __main__.piped __main__.Piped.method
from rounds import rounds


def piped(n):
    for _ in range(5000):
        n += 1
    return n


class Piped:
    def method(self):
        n = 0
        for _ in range(5000):
            n += 1
        return n


for _ in rounds():
    result = piped(1) + Piped().method()

print(result)
