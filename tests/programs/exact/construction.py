# What runs when classes and objects are made: __new__, __init__, metaclasses, __init_subclass__, __set_name__.


class Plain:
    pass


class Started:
    def __init__(self, value, other=None):
        self.value = value


class Made:
    def __new__(cls, *args):
        return super().__new__(cls)


class Both:
    def __new__(cls, value):
        self = object.__new__(cls)
        return self

    def __init__(self, value):
        self.value = value


class Swapped:
    def __new__(cls, value):
        return value

    def __init__(self, value):
        raise AssertionError("not an instance")


class Number(int):
    def __new__(cls, value):
        return int.__new__(cls, value)


class Derived(Started):
    def __init__(self, value):
        super().__init__(value, other="derived")


class Field:
    def __set_name__(self, owner, name):
        self.name = name


class Meta(type):
    @classmethod
    def __prepare__(mcs, name, bases, **options):
        return {}

    def __new__(mcs, name, bases, namespace, **options):
        return super().__new__(mcs, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)

    def __call__(cls, *args):
        return super().__call__(*args)


class Registered:
    known = []

    def __init_subclass__(cls, option=None, **options):
        super().__init_subclass__(**options)
        Registered.known.append(cls)


def subclasses():
    class First(Registered):
        field = Field()

    class Second(First, option=1):
        one, two = Field(), Field()

    return Second()


class Governed(metaclass=Meta, option=1):
    def __init__(self, value):
        self.value = value


def main():
    for value in (1, "text", None):
        Plain()
        Started(value)
        Started(value, other=value)
        Made(value, value)
        Both(value)
        Swapped(value)
        Derived(value)
        Governed(value)
    subclasses()
    type("Dynamic", (Started,), {})(1)
    Meta("Made", (), {"field": Field()})()
    return Number(5) + len(Registered.known)


print(main())
