# Objects whose __class__ changes while calls with them go on.


class Egg:
    def grow(self):
        self.__class__ = Chick
        return self

    def sound(self):
        return None


class Chick:
    def grow(self):
        self.__class__ = Hen
        return self.sound()

    def sound(self):
        return "peep"


class Hen:
    def grow(self):
        self.__class__ = Egg
        return self

    def sound(self):
        return 1


class Masked:
    @property
    def __class__(self):
        return int


def look(thing):
    return thing


def changed(thing, cls):
    thing.__class__ = cls
    return thing


def main():
    bird = Egg()
    for _ in range(9):
        look(bird).sound()
        bird.grow()
    for cls in (Hen, Chick, Egg):
        changed(bird, cls)
    look(Masked())
    return isinstance(look(Masked()), int)


print(main())
