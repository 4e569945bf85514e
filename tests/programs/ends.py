# Ends in the way that its argument says.
import os
import signal
import sys

how, *rest = sys.argv[1:]
if how == "exit":
    sys.exit(int(rest[0]))
elif how == "say":
    sys.exit("said")
elif how == "raise":
    raise LookupError("nothing found")
elif how == "leave":
    os._exit(int(rest[0]))
elif how == "signal":
    os.kill(os.getpid(), getattr(signal, rest[0]))
elif how == "echo":
    sys.stdout.write(sys.stdin.read().upper())
    sys.stderr.write("echoed\n")
elif how == "owner":
    print(os.getuid(), os.getgid(), os.getgroups())
elif how == "mark":
    open(rest[0], "w").close()
else:
    sys.exit("unknown way to end: " + how)
