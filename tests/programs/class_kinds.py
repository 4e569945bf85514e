"""Classes of many kinds, in a module of their own."""
import abc
import collections
import dataclasses
import enum
import typing


class Plain:
    shared = 1

    def __init__(self, first, second):
        self.first = first
        self.second = second

    @property
    def both(self):
        return self.first, self.second

    @staticmethod
    def nothing():
        pass

    @classmethod
    def make(cls):
        return cls(1, 2)

    class Within:
        depth = 1

        class Deeper:
            depth = 2


class Derived(Plain):
    shared = "default"


class Late(Plain):
    """Its instances get attributes of their own, each in another order."""


class Slots:
    __slots__ = ("one", "two", "__private", "__weakref__")

    def __init__(self):
        self.one = 1
        self.__private = "private"


class SlotsAndDict(Slots):
    __slots__ = ("three", "__dict__")


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


class Level(enum.IntFlag):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Data:
    value: int = 1
    name: str = "data"


class Named(typing.NamedTuple):
    left: int
    right: str = ""


Old = collections.namedtuple("Old", "a b")


class Failure(ValueError):
    code = 7


class Meta(type):
    made = 0

    def __new__(mcs, name, bases, space):
        return super().__new__(mcs, name, bases, space)


class WithMeta(metaclass=Meta):
    pass


class Abstract(abc.ABC):
    @abc.abstractmethod
    def method(self):
        pass


class Generic(typing.Generic[typing.TypeVar("T")]):
    pass


class Mixed(Derived, Slots):
    pass


class Mapping(dict):
    def __missing__(self, key):
        return key


class Große:
    größe = 1


def make_local():
    class Local:
        def __init__(self):
            self.inside = b"bytes"

    return Local


class Changing:
    kept = 1
    counter = 0
    removed = "gone"

    def method(self):
        return 1


class Base:
    pass


class OtherBase:
    pass


class Rebased(Base):
    pass


class Seventh:
    pass
