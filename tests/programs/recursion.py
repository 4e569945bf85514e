# Direct and mutual recursion.
# expect: __main__.fib __main__.is_even __main__.is_odd
from rounds import rounds


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


for _ in rounds():
    result = fib(15), [is_even(n % 100) for n in range(60)].count(True)
print(result)
