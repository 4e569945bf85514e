# Generators: their first step is the call, later ones are resumes; ended, closed early, thrown into, dropped.
import itertools


def count(n):
    for value in range(n):
        yield value


def valued(n):
    yield n
    return "value"


def delegating(n):
    result = yield from valued(n)
    yield from range(2)
    return result


def empty():
    return
    yield


def averager(total):
    number = 0
    while True:
        value = yield
        total += value
        number += 1


def patient():
    while True:
        try:
            yield
        except ValueError:
            pass


def tidy(log):
    try:
        yield 1
        yield 2
    finally:
        log.append("tidy")


def stubborn():
    try:
        yield 1
    except GeneratorExit:
        return


def failing(n):
    yield n
    raise KeyError(n)


def recursive(depth):
    if depth:
        yield depth
        yield from recursive(depth - 1)


def drained(generator):
    for value in generator:
        pass
    return generator


def main():
    log = []
    drained(count(5))
    drained(delegating("n"))
    drained(empty())
    drained(recursive(10))
    drained(n * n for n in range(4))
    sum(n for n in count(6))
    list(itertools.islice(count(100), 3))
    first, second = count(2)
    average = averager(0)
    next(average)
    for value in range(10):
        average.send(value)
    average.close()
    waiting = patient()
    waiting.send(None)
    for _ in range(3):
        waiting.throw(ValueError())
        next(waiting)
    try:
        waiting.throw(KeyError("thrown"))
    except KeyError:
        pass
    for closed in (count(3), tidy(log), stubborn(), delegating(1)):
        next(closed)
        closed.close()
        closed.close()
    for dropped in (count, recursive):
        next(dropped(3))
    for _ in tidy(log):
        break
    never_started = count(3)
    never_started.close()
    try:
        count(3).throw(ValueError)
    except ValueError:
        pass
    count(3)
    try:
        drained(failing(1))
    except KeyError:
        pass
    through = delegating(5)
    next(through)
    try:
        through.throw(OSError)
    except OSError:
        pass
    try:
        next(empty())
    except StopIteration:
        pass
    return log, next(count(0), "default")


print(main())
