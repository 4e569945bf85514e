# Works until its standard input ends, and then prints the longest time in microseconds, and the longest but nine, for
# which its only thread stood still by itself: between two readings of the clock, without having been made to wait for a
# processor by another thread.
import resource
import select
import sys
import time


def waited():
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


def work():
    return sum(range(50))


print("ready", flush=True)
longest = [0] * 10
before, waits = time.perf_counter_ns(), waited()
while True:
    for _ in range(200):
        work()
        now = time.perf_counter_ns()
        if now - before > longest[0]:
            after = waited()
            if after == waits:
                longest = sorted(longest[1:] + [now - before])
            waits = after
            now = time.perf_counter_ns()
        before = now
    if select.select([sys.stdin], [], [], 0)[0]:
        break
    before, waits = time.perf_counter_ns(), waited()
print(longest[-1] // 1000, longest[0] // 1000, flush=True)
