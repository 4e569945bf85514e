# A child that works in a function of its own.
import os
import time


def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def child(function):
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    return pid
