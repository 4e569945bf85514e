# Instance, class and static methods, properties, operators, super(), __call__.
# expect: __main__.Shape.area __main__.Square.area __main__.Shape.unit __main__.Shape.twice
# expect: __main__.Square.side __main__.Square.__add__ __main__.Scale.__call__
from rounds import rounds


class Shape:
    def __init__(self, width, height):
        self.width = width
        self.height = height

    def area(self):
        return sum(self.width for _ in range(self.height))

    @classmethod
    def unit(cls):
        shape = cls.__new__(cls)
        shape.width = shape.height = len([i for i in range(200)]) // 200
        return shape

    @staticmethod
    def twice(number):
        for _ in range(200):
            number = number + 1
        return 2 * (number - 200)


class Square(Shape):
    def __init__(self, side):
        super().__init__(side, side)

    @property
    def side(self):
        for _ in range(200):
            width = self.width
        return width

    def area(self):
        total = 0
        for _ in range(200):
            total += 1
        return super().area() + total - 200

    def __add__(self, other):
        return Square(sum([self.side, other.side] * 20) // 20)


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, number):
        for _ in range(200):
            number += self.factor
        return number


def main():
    total = 0
    for n in range(40):
        square = Square(n) + Square.unit()
        total += square.area() + Shape.twice(n) + Scale(2)(n) + Shape(n, 60).area()
    return total


for _ in rounds():
    result = main()
print(result)
