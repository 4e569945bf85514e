# Calls for some seconds of CPU time, more than fit into the first credit, and tells how many it made of each.
ROUNDS = 2500


def spend(n):
    for _ in range(n):
        pass


def leaf(value):
    for _ in range(20):
        pass
    return value


def key(value):
    for _ in range(10):
        pass
    return -value


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def steps(n):
    for value in range(n):
        yield value


def passed(*args, **kwargs):
    return kwargs


class Shape:
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side * self.side


def rare(value):
    for _ in range(2000):
        pass
    return value


def work():
    for value in range(800):
        leaf(value)
    for value in range(300):
        Shape(value).area()
    sorted(range(300), key=key)
    fibonacci(10)
    for _ in range(100):
        sum(steps(3))
    for value in range(100):
        passed(value, key=value)
    spend(20000)
    rare(None)


def main():
    for _ in range(ROUNDS):
        work()


main()
EACH = {leaf: 800, Shape.__init__: 300, Shape.area: 300, key: 300, fibonacci: 177, steps: 100, passed: 100,
        spend: 1, rare: 1, work: 1}
for function, calls in EACH.items():
    print("__main__." + function.__qualname__, calls * ROUNDS)
