# Generators: plain, yield from, send, throw, closed early, generator expressions.
# expect: __main__.countdown __main__.chain __main__.averager __main__.patient __main__.total_of.<locals>.<genexpr>
from rounds import rounds


def countdown(n):
    while n:
        n -= sum([1] * 50) // 50
        yield n


def chain(*parts):
    for part in parts:
        for _ in range(2000):
            pass
        yield from part


def averager():
    total = count = 0
    value = yield
    while True:
        for _ in range(60):
            total += 0
        total += value
        count += 1
        value = yield total // count


def patient():
    while True:
        try:
            for _ in range(100):
                pass
            yield 1
        except ValueError:
            for _ in range(100):
                pass
            yield 2


def total_of(n):
    return sum(i * i for i in range(n))


def main():
    total = sum(chain(countdown(50), countdown(30)))
    average = averager()
    next(average)
    for n in range(100):
        total += average.send(n)
    average.close()
    waiting = patient()
    for _ in range(30):
        total += next(waiting)
        total += waiting.throw(ValueError())
    return total + total_of(2000)


for _ in rounds():
    result = main()
print(result)
