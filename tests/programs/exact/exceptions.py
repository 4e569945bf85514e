# Exceptions: raised, caught, passed through frames, generators, finally and with; from C code; raised again.
import contextlib


class Own(Exception):
    pass


class Strict(Own):
    def __init__(self, message):
        super().__init__(message)


def raises(kind):
    raise kind("raised")


def passes(kind):
    return raises(kind)


def catches(kind):
    try:
        return passes(kind)
    except kind:
        return "caught"


def finally_passes(kind):
    try:
        return raises(kind)
    finally:
        str(kind)


def raises_again(kind):
    try:
        raises(kind)
    except kind:
        raise


def raises_other(kind):
    try:
        raises(kind)
    except kind as error:
        raise Own("other") from error


def raises_kept(errors):
    raise errors[0]


def keeps(kind):
    errors = []
    try:
        raises(kind)
    except kind as error:
        errors.append(error)
    return raises_kept(errors)


def divides(left, right):
    return left / right


def subscripts(container, key):
    return container[key]


def converts(value):
    return int(value)


def swallows(kind):
    try:
        raises(kind)
    finally:
        return "swallowed"


def generates(kind):
    yield 1
    raises(kind)


def delegates(kind):
    yield from generates(kind)


def guarded(kind):
    with contextlib.suppress(kind):
        raises(kind)
    return "suppressed"


@contextlib.contextmanager
def managed(log):
    try:
        yield log
    except Own as error:
        log.append(error)


def in_managed(log):
    with managed(log):
        raise Own("managed")


def through_c(kind):
    return list(map(raises, [kind]))


def deep(depth, kind):
    if depth:
        return deep(depth - 1, kind)
    raise kind("deep")


def stops():
    raise StopIteration("stop")


def turned():
    yield
    stops()


def iterates():
    for _ in iter([1, 2]):
        pass
    for _ in zip([1], [2]):
        pass
    return next(iter([]))


def asserts(value):
    assert value, "empty"


def unpacks(values):
    first, second = values


def looks(thing):
    return thing.missing


def names():
    return missing_name


def unbound(flag):
    if flag:
        value = 1
    return value


def imports():
    from sys import missing_name_of_sys


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__


def main():
    seen = []
    for kind in (ValueError, Own, Strict):
        for function in (raises, passes, catches, finally_passes, raises_again, raises_other, keeps, swallows,
                         guarded, through_c):
            seen.append(attempt(function, kind))
        seen.append(attempt(list, generates(kind)))
        seen.append(attempt(list, delegates(kind)))
        seen.append(attempt(deep, 5, kind))
    seen.append(attempt(divides, 1, 0))
    seen.append(attempt(divides, 1, 2))
    seen.append(attempt(subscripts, [], 0))
    seen.append(attempt(subscripts, {}, 0))
    seen.append(attempt(converts, "x"))
    seen.append(attempt(list, turned()))
    seen.append(attempt(iterates))
    seen.append(attempt(asserts, 0))
    seen.append(attempt(unpacks, [1]))
    seen.append(attempt(looks, 1))
    seen.append(attempt(names))
    seen.append(attempt(unbound, False))
    seen.append(attempt(imports))
    seen.append(attempt(in_managed, []))
    return len(seen), seen[-1]


print(main())
