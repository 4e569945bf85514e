# Calls so short that a stack changes while it is read: each place calls one function only.
# expect: __main__.turn
import rounds


def one():
    pass


def two():
    three()


def three():
    pass


class Four:
    def go(self):
        one()
        return self

    def __len__(self):
        two()
        return 4


def steps():
    yield three()
    yield one()


def turn(four=Four()):
    one()
    two()
    one()
    three()
    four.go()
    len(four)
    for step in steps():
        pass
    sorted([2, 1], key=lambda item: [one(), item][1])


for _ in rounds.rounds():
    for _ in range(200):
        turn()
