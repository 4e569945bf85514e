# Eight threads that call the same functions at the same time.
import sys
import threading

sys.setswitchinterval(1e-5)


def leaf(value):
    return value


def branch(value, depth):
    return branch(value, depth - 1) if depth else leaf(value)


def steps(n):
    for value in range(n):
        yield value


def fail(value):
    raise ValueError(value)


def work(value, totals):
    for _ in range(40):
        leaf(value)
        branch(value, 3)
        for _ in steps(3):
            pass
        sorted([3, 1, 2], key=leaf)
        try:
            fail(value)
        except ValueError:
            pass
    totals.append(1)


class Worker(threading.Thread):
    def run(self):
        work(self, TOTALS)


TOTALS = []
threads = [threading.Thread(target=work, args=(value, TOTALS)) for value in (1, "2", 3.0, None, (), [], {})]
threads.append(Worker())
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(TOTALS))
