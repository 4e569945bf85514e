# A program that traces itself.
import sys

EVENTS = []


def tracer(frame, event, argument):
    EVENTS.append(event)
    return tracer


def calls_only(frame, event, argument):
    EVENTS.append(event)


def leaf(value):
    return value


def steps(n):
    for value in range(n):
        yield value


def work(n):
    total = 0
    for value in steps(n):
        total += leaf(value)
    return total


def fail():
    raise ValueError


def main():
    work(3)
    sys.settrace(tracer)
    work(3)
    try:
        fail()
    except ValueError:
        pass
    sys.settrace(None)
    work(3)
    sys.settrace(calls_only)
    work(3)
    sys.settrace(None)
    work(3)
    return len(EVENTS)


main()
print(len(EVENTS), sorted(set(EVENTS)))
