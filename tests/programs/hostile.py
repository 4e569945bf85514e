# Names that move a terminal's cursor, turn its text around, and would end a string of JSON.
import select
import sys

NAME = '\x1b]0;owned\x07\x1b[2J"},{"x\\":\u202e\n\0\ud800'


def work():
    for _ in range(10000):
        pass


code = work.__code__
names = {"co_name": NAME}
if hasattr(code, "co_qualname"):
    names["co_qualname"] = NAME
work.__code__ = code.replace(**names)
work.__name__ = work.__qualname__ = NAME
work.__module__ = "\x1b[31m"
globals()[NAME] = work
sys.modules["\x1b[2Jmodule\n"] = sys

print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    work()
