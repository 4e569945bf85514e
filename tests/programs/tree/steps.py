# A known number of calls, spread over the seconds that are asked for.
import sys
import time

CALLS = 400


def step():
    for _ in range(1000):
        pass


def main():
    pause = float(sys.argv[1]) / CALLS
    for _ in range(CALLS):
        step()
        time.sleep(pause)


main()
