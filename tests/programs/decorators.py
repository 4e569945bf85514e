# Decorated functions: wraps, arguments, stacked, a class as decorator, lru_cache, contextmanager.
# expect: __main__.traced.<locals>.wrapper __main__.times.<locals>.decorate.<locals>.repeat
# expect: __main__.Counted.__call__ __main__.plain __main__.opened
import contextlib
import functools

from rounds import rounds


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for _ in range(500):
            pass
        return function(*args, **kwargs)

    return wrapper


def times(n):
    def decorate(function):
        def repeat(*args):
            for _ in range(500):
                pass
            return [function(*args) for _ in range(n)][0]

        return repeat

    return decorate


class Counted:
    def __init__(self, function):
        self.function = function
        self.count = 0

    def __call__(self, *args):
        for _ in range(500):
            pass
        self.count += 1
        return self.function(*args)


@traced
@times(3)
@Counted
def plain(n):
    for _ in range(500):
        pass
    return n + 1


@functools.lru_cache(maxsize=None)
def cached(n):
    return plain(n)


@contextlib.contextmanager
def opened(n):
    for _ in range(500):
        pass
    yield n
    for _ in range(500):
        pass


def main():
    total = 0
    cached.cache_clear()
    for n in range(20):
        with opened(n) as value:
            total += cached(value)
    return total


for _ in rounds():
    result = main()
print(result)
