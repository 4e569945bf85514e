"""Watches the program of this process from inside, so that a test can compare what molt saw from outside.

With this folder on PYTHONPATH and MOLT_ORACLE set, any command line of any CPython from 3.8 on runs
unmodified and leaves MOLT_ORACLE.PID at its end, for itself and for each of its children. Python frames
are seen by sys.setprofile, which all of these versions have. What ran before this module was imported is
not seen: the modules of that time are listed as "startup", and their code objects come from their loaders.
"""
import os
import sys

# Some modules give themselves another name: _collections_abc is also collections.abc.
STARTUP = sorted({name for key, module in sys.modules.items() for name in (key, module.__name__)})
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
    import _thread
    import atexit

    recorder = Recorder()

    def finish():
        sys.setprofile(None)
        modules = dict(sys.modules)
        import molt_truth

        truth = molt_truth.of(recorder, modules)
        truth["startup"] = STARTUP
        molt_truth.write(truth, "{}.{}".format(OUT, os.getpid()))

    def leave(status, leave=os._exit):
        finish()
        leave(status)

    def watched(start_thread):
        def start_watched(function, *arguments, **keywords):
            def run(*arguments, **keywords):
                sys.setprofile(recorder.note)
                return function(*arguments, **keywords)

            return start_thread(run, *arguments, **keywords)

        return start_watched

    # Children of os.fork and multiprocessing leave without running what is registered with atexit.
    os._exit = leave
    # threading.setprofile would do, but importing threading here would hide that the program does. If the
    # site's own hooks have imported it already, it has its own names for the functions.
    for module, prefix in (_thread, ""), (sys.modules.get("threading"), "_"):
        for name in prefix + "start_new_thread", prefix + "start_joinable_thread":
            if hasattr(module, name):
                setattr(module, name, watched(getattr(module, name)))
    atexit.register(finish)
    sys.setprofile(recorder.note)


if OUT:
    start()
