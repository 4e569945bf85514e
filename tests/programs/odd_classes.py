"""Classes that are larger, or otherwise, than a reader may like, and one that is as usual."""


class Usual:
    kind = "usual"

    def __init__(self):
        self.value = 1


class Contrary(type):
    def mro(cls):
        return [cls, object]


class Reversed(Usual, metaclass=Contrary):
    pass


class Nameless:
    __module__ = None


class Wide:
    def __init__(self):
        for number in range(5000):
            setattr(self, "field_%d" % number, number)


LARGE = "x" * 1_000_000
Many = type("Many", (), {"attribute_%05d" % number: number for number in range(12_000)})
LongAttribute = type("LongAttribute", (), {LARGE: 1, "short": 2})
LongName = type(LARGE, (), {"short": 3})
NoStrings = type("NoStrings", (), {1: 2, None: 3, "text": 4})
Bases = type("Bases", tuple(type("Base%d" % number, (), {}) for number in range(1200)), {})
Loop = type("Loop", (), {})
Loop.itself = Loop
DEEP = Usual
for LEVEL in range(300):
    DEEP = type("Deep%d" % LEVEL, (DEEP,), {})
CROWD = [type("Crowd", (), {"number": number}) for number in range(3000)]
globals().update(("name_%d" % number, number) for number in range(20_000))
KEPT = [Usual(), Wide(), Many(), LongName(), Loop(), DEEP()]
