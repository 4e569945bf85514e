"""Imports a module when its input ends, and then ends as its argument says, with the status or by the signal that a
second one gives."""
import os
import sys
import time

print("ready", os.getpid(), flush=True)
sys.stdin.read()
how, number = sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 0
if how == "exec":
    time.sleep(0.5)
    os.execv("/bin/true", ["true"])
import colorsys

if how == "exit":
    os._exit(number)
if how == "signal":
    os.kill(os.getpid(), number)
sys.exit(number)
