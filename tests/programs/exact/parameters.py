# Parameters of every kind, and more than the eight that are told.


def plain(first, second):
    return first


def positional_only(first, /, second):
    return second


def defaults(first, second=2, third="three", fourth=None):
    return third


def keyword_only(first, *, second, third=3.0):
    return second


def variadic(*args):
    return args


def keywords(**kwargs):
    return kwargs


def everything(first, second=2, *args, third, fourth=4, **kwargs):
    return len(args) + len(kwargs)


def nothing():
    pass


def eight(a, b, c, d, e, f, g, h):
    return h


def nine(a, b, c, d, e, f, g, h, i):
    return i


def many(a, b, c, d, e, f, *args, g, h, i=9, j=10, **kwargs):
    return j


def full(a, b, c, d, e, f, *args, g, **kwargs):
    return g


def rebound(first, second):
    first, second = str(first), [second]
    return first


def main():
    for value in (1, 1.5, "text", None, True, (), [], {}, set(), b"", 1j, range(1), len, main, object):
        plain(value, 0)
        plain(0, value)
        rebound(value, value)
    positional_only(1, 2)
    positional_only("1", second=2)
    defaults(1)
    defaults(1, "2")
    defaults(1, third=3)
    defaults(*[1, 2], **{"fourth": 4})
    keyword_only(1, second="2")
    keyword_only(first=1, third=None, second=2)
    variadic()
    variadic(1, "2", 3.0)
    keywords()
    keywords(a=1, b="2")
    everything(1, third=3)
    everything(1, 2, 3, 4, third="3", fourth=None, fifth=5)
    everything(*range(5), **{"third": 3, "x": 4})
    nothing()
    eight(1, 2, 3, 4, 5, 6, 7, "8")
    nine(1, 2, 3, 4, 5, 6, 7, "8", 9.0)
    many(1, 2, 3, 4, 5, 6, g="7", h=8.0)
    many(1, 2, 3, 4, 5, 6, 7, 8, g=7, h="8", i=None, k=0)
    full(1, 2, 3, 4, 5, "6", 7, g=8.0, k=0)
    try:
        plain(1)
    except TypeError:
        nothing()
    return (lambda x, *y, z=1: z)(1, 2)


print(main())
