"""Watches the program of this process from inside, so that a test can compare what molt saw from outside.

With this folder on PYTHONPATH and MOLT_ORACLE set, any command line of any CPython from 3.8 on runs
unmodified and leaves MOLT_ORACLE.PID at its end, for itself and for each of its children. What ran before
this module was imported is not seen: the modules of that time are listed as "startup", and their code objects
come from their loaders.
"""
import os
import sys

# Some modules give themselves another name: _collections_abc is also collections.abc.
STARTUP = sorted({name for key, module in sys.modules.items() for name in (key, module.__name__)})
OUT = os.environ.get("MOLT_ORACLE")


def start():
    import _thread
    import atexit

    from molt_recorder import Recorder

    if sys.version_info >= (3, 12):
        from molt_monitoring import Watch
    else:
        from molt_tracing import Watch

    recorder = Recorder()
    watch = Watch(recorder)

    def finish():
        watch.stop()
        modules = dict(sys.modules)
        import molt_truth

        truth = molt_truth.of(recorder, modules)
        truth["startup"] = STARTUP
        molt_truth.write(truth, "{}.{}".format(OUT, os.getpid()))

    def leave(status, leave=os._exit):
        finish()
        leave(status)

    def kill(process, number, kill=os.kill):
        if (process, number) == (os.getpid(), 9):
            finish()
        kill(process, number)

    def watched(start_thread):
        def start_watched(function, *arguments, **keywords):
            def run(*arguments, **keywords):
                watch.start()
                return function(*arguments, **keywords)

            return start_thread(run, *arguments, **keywords)

        return start_watched

    # Children of os.fork and multiprocessing leave without running what is registered with atexit.
    os._exit = leave
    os.kill = kill
    # threading.setprofile would do, but importing threading here would hide that the program does. If the
    # site's own hooks have imported it already, it has its own names for the functions.
    for module, prefix in (_thread, ""), (sys.modules.get("threading"), "_"):
        for name in prefix + "start_new_thread", prefix + "start_joinable_thread":
            if hasattr(module, name):
                setattr(module, name, watched(getattr(module, name)))
    atexit.register(finish)
    watch.start()


if OUT:
    start()
