# Bound, class and static methods, super(), calls through instances, classes and bound method objects.


class Base:
    def plain(self, value):
        return value

    @classmethod
    def made(cls, value):
        return cls()

    @staticmethod
    def static(value):
        return [value]

    def overridden(self, value):
        return "base"

    def __call__(self, value, *more):
        return value


class Derived(Base):
    def overridden(self, value):
        return super().overridden(value) + super(Derived, self).plain("derived")

    @classmethod
    def made(cls, value):
        return super().made(value)


class Other(Base):
    plain = Base.overridden
    borrowed = staticmethod(Base.static)
    short = lambda self, value: value


def main():
    for thing in (Base(), Derived(), Other()):
        thing.plain(1)
        thing.plain("1")
        thing.made(2)
        thing.static(3)
        thing.overridden(4)
        thing(5)
        thing(6, 7)
        bound = thing.plain
        for value in (1, "1", None):
            bound(value)
        type(thing).plain(thing, 8)
        type(thing).made(9)
    Other().borrowed(10)
    Other().short(11)
    Base.plain(None, 12)
    getattr(Derived(), "overridden")(13)
    return Base.overridden.__get__(Derived())(14)


print(main())
