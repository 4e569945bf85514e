# Functions behind attribute access: properties, descriptors, __getattr__, __setattr__, __slots__.


class Positive:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return getattr(instance, self.name)

    def __set__(self, instance, value):
        setattr(instance, self.name, value)

    def __delete__(self, instance):
        delattr(instance, self.name)


class Lazy:
    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner):
        value = instance.__dict__[self.function.__name__] = self.function(instance)
        return value


class Box:
    width = Positive()
    height = Positive()

    def __init__(self, width, height):
        self.width = width
        self.height = height

    @property
    def area(self):
        return self.width * self.height

    @area.setter
    def area(self, value):
        self.width = value

    @area.deleter
    def area(self):
        del self.width

    @Lazy
    def label(self):
        return "box"


class Open:
    def __getattr__(self, name):
        if name == "missing":
            raise AttributeError(name)
        return name

    def __setattr__(self, name, value):
        super().__setattr__(name, value)

    def __delattr__(self, name):
        super().__delattr__(name)

    def __dir__(self):
        return ["a"]


class Watched:
    value = 1

    def __getattribute__(self, name):
        return super().__getattribute__(name)


def main():
    box = Box(2, 3)
    total = box.area
    box.area = 4.0
    total += box.area
    box.label
    box.label
    Box.width
    del box.area
    opened = Open()
    opened.known = opened.unknown
    opened.known
    hasattr(opened, "missing")
    getattr(opened, "missing", None)
    del opened.known
    dir(opened)
    watched = Watched()
    for _ in range(5):
        watched.value
    return total


print(main())
