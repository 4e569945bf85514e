# Names that are not ASCII, of every width that a str can have, one that Python normalizes, and a long one.
# expect: __main__.größe __main__.Фигура.площадь __main__.数える __main__.Uni __main__.𐌀𐌁
from rounds import rounds


def größe(n):
    for _ in range(5000):
        n += 1
    return n


class Фигура:
    def площадь(self):
        n = 0
        for _ in range(5000):
            n += 1
        return n


def 数える(n):
    for _ in range(5000):
        n += 1
    return n


def 𝔘𝔫𝔦(n):
    for _ in range(5000):
        n += 1
    return n


def 𐌀𐌁(n):
    for _ in range(5000):
        n += 1
    return n


def a_name_that_is_longer_than_most_names_are_and_goes_on_for_a_while_to_see_what_becomes_of_such_names(n):
    for _ in range(5000):
        n += 1
    return n


for _ in rounds():
    größenordnung = "ÄÖÜ", größe(1), Фигура().площадь(), 数える(2), 𝔘𝔫𝔦(3), 𐌀𐌁(4)
    long = a_name_that_is_longer_than_most_names_are_and_goes_on_for_a_while_to_see_what_becomes_of_such_names(4)
print(größenordnung[1:], long)
