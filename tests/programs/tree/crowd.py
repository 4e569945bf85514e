# A thousand threads at the same time, and then two thousand that come and go in less than a millisecond.
import sys
import threading

ALL, BRIEF = 1000, 2000


def wait(here, go):
    here.release()
    go.wait()
    spin()


def spin():
    for _ in range(2000):
        pass


def brief():
    for _ in range(3000):
        pass


threading.stack_size(256 * 1024)
here, go = threading.Semaphore(0), threading.Event()
threads = [threading.Thread(target=wait, args=(here, go)) for _ in range(ALL)]
for thread in threads:
    thread.start()
for _ in threads:
    here.acquire()
print("ready", flush=True)
sys.stdin.readline()
go.set()
for thread in threads:
    thread.join()
for _ in range(BRIEF):
    thread = threading.Thread(target=brief)
    thread.start()
    thread.join()
print("done", flush=True)
