# Works until its standard input ends, and then prints the longest time in microseconds, and the longest but nine, for
# which its only thread stood still by itself: between two readings of the clock, without having been made to wait for a
# processor by another thread. After these, the longest of those in which it slept, which it never does by itself: it
# waited for a lock in the kernel.
import resource
import select
import sys
import time


def switches():
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_nivcsw, usage.ru_nvcsw


def work():
    return sum(range(50))


print("ready", flush=True)
longest, slept = [0] * 10, 0
clock = time.perf_counter_ns
while not select.select([sys.stdin], [], [], 0)[0]:
    waits, sleeps = switches()
    before = clock()
    for _ in range(50):
        work()
        now = clock()
        pause = now - before
        if pause > longest[0] or pause > 100_000:
            waits_now, sleeps_now = switches()
            if waits_now == waits:
                longest = sorted(longest + [pause])[1:]
                if sleeps_now > sleeps:
                    slept = max(slept, pause)
            waits, sleeps = waits_now, sleeps_now
            now = clock()
        before = now
print(longest[-1] // 1000, longest[0] // 1000, slept // 1000, flush=True)
