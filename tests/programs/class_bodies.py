# Class bodies, metaclasses, __init_subclass__, __set_name__, named tuples, data classes, enums.
# expect: __main__.build.<locals>.Made __main__.Meta.__new__ __main__.Base.__init_subclass__
# expect: __main__.Field.__set_name__
import collections
import dataclasses
import enum

from rounds import rounds


class Meta(type):
    def __new__(cls, name, bases, namespace):
        for _ in range(2000):
            pass
        return super().__new__(cls, name, bases, namespace)


class Field:
    def __set_name__(self, owner, name):
        for _ in range(2000):
            pass
        self.name = name


class Base:
    def __init_subclass__(cls, **kwargs):
        for _ in range(2000):
            pass
        super().__init_subclass__(**kwargs)


def build(n):
    class Made(Base, metaclass=Meta):
        field = Field()
        total = 0
        for i in range(2000):
            total += i

    return Made.total + n


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass(order=True)
class Entry:
    name: str
    size: int = 0

    def grown(self):
        return dataclasses.replace(self, size=self.size + 1)


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def main():
    total = sum(build(n) for n in range(10))
    entries = sorted(Entry("e", n % 7).grown() for n in range(20))
    return total + entries[-1].size + Point(1, 2)._replace(x=5).x + Color["BLUE"].value


for _ in rounds():
    result = main()
print(result)
