# Classes that are made in a loop and freed, so that other types have their addresses.
# modules: made
import gc


def take(value):
    return value


def make(n):
    class Even:
        def method(self):
            return self

    class Odd:
        def method(self, other=None):
            return other

    return Odd if n % 2 else Even


def dynamic(n):
    return type("Dynamic%d" % (n % 5), (), {"__module__": "made", "call": lambda self: take(self)})


def main():
    for n in range(40):
        cls = make(n)
        take(cls)
        take(cls()).method()
        dynamic(n)().call()
        del cls
        # A class is in a cycle with itself.
        gc.collect()
    return n


gc.disable()
print(main())
