"""Imports a module when its input ends, and then ends as its argument says."""
import os
import sys
import time

print("ready", flush=True)
sys.stdin.read()
if sys.argv[1] == "exec":
    time.sleep(0.5)
    os.execv("/bin/true", ["true"])
import colorsys

if sys.argv[1] == "exit":
    os._exit(0)
