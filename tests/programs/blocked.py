"""Stands still in a stack of methods, lambdas, generators and a C callback, and says what it looks like.

Prints one line of JSON and waits: the stack, innermost first, the code objects on it, and the modules.
"""
import hashlib
import json
import sys
import types

MINOR = sys.version_info[1]


def describe(frame):
    code = frame.f_code
    position = None
    if MINOR >= 11:
        position = list(code.co_positions())[frame.f_lasti // 2]
    return {
        "address": id(code),
        "name": code.co_name,
        "qualname": getattr(code, "co_qualname", None),
        "module": frame.f_globals["__name__"],
        "filename": code.co_filename,
        "first_line": code.co_firstlineno,
        "line": frame.f_lineno,
        "position": position,
        "hash": hashlib.sha256(code.co_code).hexdigest(),
    }


def stop(frame):
    stack = []
    while frame is not None:
        stack.append(describe(frame))
        frame = frame.f_back
    modules = {
        name: getattr(module, "__file__", None)
        for name, module in sys.modules.items() if isinstance(module, types.ModuleType)
    }
    print(json.dumps({"hex": sys.hexversion, "stack": stack, "modules": modules, "path": sys.path}), flush=True)


class Étage:
    def descend(self, depth):
        if depth:
            return self.descend(depth - 1)
        return sorted([1], key=lambda item: next(self.generate(item)))

    def generate(self, item):
        yield [self.block(value) for value in (item,)]

    def block(self, value):
        stop(sys._getframe()); sys.stdin.read()


exec("def made(stage): return stage.descend(3)", globals())

if __name__ == "__main__":
    made(Étage())
