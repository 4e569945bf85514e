"""Watches the program of this process from inside, so that a test can compare what molt saw from outside.

With this folder on PYTHONPATH and MOLT_ORACLE set, any command line of any CPython from 3.8 on runs
unmodified and leaves MOLT_ORACLE.PID at its end, for itself and for each of its children. Python frames
are seen by sys.setprofile, which all of these versions have. What ran before this module was imported is
not seen: the modules of that time are listed as "startup", and their code objects come from their loaders.
"""
import os
import sys

STARTUP = sorted(sys.modules)
OUT = os.environ.get("MOLT_ORACLE")


class Recorder:
    """Which code objects ran, under which module name, and who called them from where."""

    def __init__(self):
        # By id: two code objects may be equal, and hashing one walks all of its constants. Each is kept alive.
        self.codes = {}
        self.ran = set()
        self.edges = {}

    def note(self, frame, event, _argument):
        if event != "call":
            return
        callee = self.seen(frame)
        caller = frame.f_back
        if caller is not None:
            self.edges.setdefault((self.seen(caller), caller.f_lasti, callee), caller.f_lineno)

    def seen(self, frame):
        code = frame.f_code
        key = id(code), frame.f_globals.get("__name__")
        if key not in self.ran:
            self.codes[id(code)] = code
            self.ran.add(key)
        return key


def start():
    import atexit
    import threading

    recorder = Recorder()
    imported = sorted(set(sys.modules) - set(STARTUP))

    def finish():
        sys.setprofile(None)
        threading.setprofile(None)
        modules = dict(sys.modules)
        import molt_truth

        truth = molt_truth.of(recorder, modules)
        truth["startup"] = STARTUP + imported
        molt_truth.write(truth, "{}.{}".format(OUT, os.getpid()))

    def leave(status, leave=os._exit):
        finish()
        leave(status)

    # Children of os.fork and multiprocessing leave without running what is registered with atexit.
    os._exit = leave
    atexit.register(finish)
    threading.setprofile(recorder.note)
    sys.setprofile(recorder.note)


if OUT:
    start()
