"""Prints, as one line of JSON, what the interpreter itself says of its code objects and modules; then waits.

Arguments: a mode (plain, settrace, profile, monitoring) and the standard library's modules to import.
The reader compares it with what it finds in this process's memory.
"""
import gc
import hashlib
import importlib
import json
import sys
import types

MINOR = sys.version_info[1]


def decorate(function):
    return function


class Shape:
    """Methods, a property, a nested class, and each kind of code."""

    sides = [side for side in (1, 2, 3)]

    @property
    def area(self): return [lambda: (side for side in self.sides) for _ in range(2)]

    @decorate
    @decorate
    def scale(
        self, factor, /, *, twice=lambda: 2
    ):
        def inner(value):
            return value * factor + self.offset
        return inner

    class Corner:
        def angle(self):
            return 90

    async def wait(self):
        async for thing in self.things():
            print(thing)

    async def things(self):
        yield 1

    def walk(self):
        yield from self.sides


def outer():
    global made_global

    def made_global():
        def below():
            return made_global
        return below

    class Local:
        def méthode(self):
            return {key: value for key, value in {}.items()}, {x for x in ()}
    made_global()()
    return Local


# Code that no file has the names of; the reader finds them through this module's functions.
GENERATED = """
def generated(values):
    global made_global_too
    def made_global_too(): pass
    def inner():
        return [lambda: value for value in values]
    class Local:
        def method(self): return lambda: self
    return inner, inner()[0], Local.method, Local().method()

class Generated:
    def method(self): return lambda: self
    @staticmethod
    def static(): pass
    @classmethod
    def of_class(cls): pass
    @property
    def value(self): pass
    @value.setter
    def value(self, value): pass

first, second = (lambda: 1), [lambda: 2]
"""
exec(compile(GENERATED, "<generated>", "exec"))
kept = generated([1]), Generated().method()


def workload():
    """Warms the library up, so that the interpreter specialises it."""
    text = json.dumps({"a": [1, 2.5, None, True, "x" * 40], "b": {"c": ["d"] * 9}})
    for _ in range(60):
        json.loads(text)
        json.dumps(json.loads(text), indent=1, sort_keys=True)
        hashlib.sha256(text.encode()).hexdigest()
        sum(value * 2 for value in range(20))
        sorted(range(10), key=lambda value: -value)
    outer()().méthode()
    shape = Shape()
    shape.offset = 1
    for _ in range(60):
        shape.scale(3)(4)
        list(shape.walk())
        [made() for made in shape.area]


def instrument(mode):
    if mode == "settrace":
        def trace(frame, event, arg):
            frame.f_trace_opcodes = True
            return trace
        sys.settrace(trace)
    elif mode == "profile":
        sys.setprofile(lambda frame, event, arg: None)
    elif mode == "monitoring":
        monitoring = sys.monitoring
        every = 0
        for value in vars(monitoring.events).values():
            if isinstance(value, int):
                every |= value
        for tool in (0, 3):
            monitoring.use_tool_id(tool, "test")
            monitoring.set_events(tool, every & 0x1FFF)


def positions(code):
    """One row for each code unit: line, end line, column, end column."""
    units = range(len(code.co_code) // 2)
    if MINOR >= 11:
        return list(code.co_positions())
    rows = []
    if MINOR == 10:
        for start, end, line in code.co_lines():
            rows += [(line, None, None, None)] * ((end - start) // 2)
        return rows
    import dis
    starts, line = dict(dis.findlinestarts(code)), None
    for unit in units:
        line = starts.get(2 * unit, line)
        rows.append((line, None, None, None))
    return rows


def describe(code, function):
    rows = "".join("%s %s %s %s\n" % row for row in positions(code))
    own_qualname = function is not None and not hasattr(function, "__wrapped__")
    named = own_qualname and function.__qualname__.split(".")[-1] == code.co_name == function.__name__
    return {
        "address": id(code),
        "name": code.co_name,
        "qualname": getattr(code, "co_qualname", function.__qualname__ if named else None),
        "globals": id(function.__globals__) if function else 0,
        "module": function.__globals__.get("__name__") if function else None,
        "filename": code.co_filename,
        "first_line": code.co_firstlineno,
        "flags": code.co_flags,
        "counts": [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount],
        "first_parameter": code.co_varnames[0] if code.co_argcount + code.co_kwonlyargcount else None,
        "hash": hashlib.sha256(code.co_code).hexdigest(),
        "positions": hashlib.sha256(rows.encode()).hexdigest(),
    }


def codes():
    """Each code object that a function has, and those inside it, with the function where there is one."""
    found = {}

    def add(code, function):
        if code not in found or found[code] is None:
            found[code] = function
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType) and constant not in found:
                add(constant, None)
    for function in gc.get_objects():
        if isinstance(function, types.FunctionType):
            add(function.__code__, function)
    return {id(code): (code, function) for code, function in found.items()}


def modules():
    """Name and file of each module; `typing` also puts classes into `sys.modules`."""
    rows = []
    for name, module in sys.modules.items():
        if not isinstance(module, types.ModuleType):
            continue
        file = getattr(module, "__file__", None)
        rows.append([str(name), file if isinstance(file, str) else None])
    return rows


def main():
    mode, names = sys.argv[1], sys.argv[2:]
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    instrument(mode)
    workload()
    sys.settrace(None)
    sys.setprofile(None)
    kept = codes()
    report = {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "hex": sys.hexversion,
        "codes": [describe(*pair) for pair in kept.values()],
        "main": [id(globals()), id(sys._getframe(1).f_code)],
        "modules": modules(),
        "not_modules": len(sys.modules) - len(modules()),
        "path": sys.path,
        "prefixes": [sys.prefix, sys.base_prefix],
    }
    print(json.dumps(report), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
