"""Turns what sitecustomize recorded into the facts that an artifact states: names, hashes, positions."""
import dis
import gc
import hashlib
import json
import linecache
import os
import re
from types import FunctionType

CO_OPTIMIZED = 1
# Columns of a row.
CALL, EXCEPTION = 7, 4
POSITIONS = {}
# Functions to the interpreter, but not to the compiler when it names what is inside them.
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}


def of(recorder, modules):
    names = Names()
    loaded = []
    for name, module in modules.items():
        code = loaded_code(module)
        if code is not None:
            names.add(code)
            loaded.append((code, {name, module.__name__}))
    for code in list(recorder.codes.values()):
        if code.co_name == "<module>":
            names.add(code)
    facts = set()
    for code, owners in loaded:
        for part in parts(code):
            facts.update(names.facts(part, owner) for owner in owners)
    for code_id, owner in list(recorder.ran):
        for part in parts(recorder.codes[code_id]):
            facts.add(names.facts(part, owner))
    rows = [row(recorder, names, what, count) for what, count in recorder.totals().items() if count]
    return {
        "codes": sorted(facts, key=repr),
        "calls": sorted((one for one in rows if len(one) == CALL), key=repr),
        "exceptions": sorted((one for one in rows if len(one) == EXCEPTION), key=repr),
        # Anything may stand in sys.modules: typing puts classes there.
        "modules": sorted(name for name, module in modules.items() if isinstance(module, type(json))),
    }


def row(recorder, names, what, count):
    """What was counted, with the names and places that stand for code objects and instructions."""
    def function(key):
        return key and (key[1], names.of(recorder.codes[key[0]]))

    if len(what) == EXCEPTION - 1:
        of, type_name, began_here = what
        return function(of), type_name, began_here, count
    caller, lasti, callee, arguments, outcome, type_name = what
    # Up to 3.10 a frame that has not begun is at no instruction, but a trace function may be called from it.
    place = caller and lasti >= 0 and place_in(recorder.codes[caller[0]], lasti) or None
    return function(caller), place, function(callee), arguments, outcome, type_name, count


def place_in(code, lasti):
    # By id: two code objects with different positions may be equal.
    if id(code) not in POSITIONS:
        POSITIONS[id(code)] = list(positions(code))
    line, start, last, end = POSITIONS[id(code)][lasti // 2]
    if None in (line, start, last, end):
        return line, None, None, None, None
    return line, start, last, end, source(code.co_filename, line, last, start, end)


def positions(code):
    """Line, column, last line and end column of each instruction; before 3.11 the line.

    A frame's own f_lineno is that of the last line event, up to 3.9, if the frame is traced.
    """
    if hasattr(code, "co_positions"):
        for line, last, start, end in code.co_positions():
            yield line, start, last, end
        return
    lines = dict(dis.findlinestarts(code))
    line = code.co_firstlineno
    for offset in range(0, len(code.co_code), 2):
        line = lines.get(offset, line)
        yield line, None, None, None


def source(file, first, last, start, end):
    """The text between two positions; columns count UTF-8 bytes. None where the file is not to be had."""
    lines = [line.encode() for line in linecache.getlines(source_file(file))[first - 1:last]]
    if len(lines) != last - first + 1:
        return None
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode()


def source_file(file):
    """The file itself, or what a frozen module was made from: it is a module of the standard library."""
    frozen = re.fullmatch(r"<frozen ([\w.]+)>", file)
    if not frozen:
        return file
    module = os.path.join(os.path.dirname(os.__file__), *frozen[1].split("."))
    package = os.path.join(module, "__init__.py")
    return package if os.path.exists(package) else module + ".py"


def loaded_code(module):
    spec = getattr(module, "__spec__", None)
    get_code = getattr(getattr(spec, "loader", None), "get_code", None)
    try:
        return get_code(spec.name)
    except (TypeError, AttributeError, ImportError, OSError, SyntaxError):
        return None


def parts(code):
    """The code object and all that are inside it."""
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from parts(constant)


class Names:
    """Qualified names: co_qualname, or before 3.11 what the compiler would have put there.

    Code without a file has the name of its function, which the program may have changed, as dataclasses does.
    """

    def __init__(self):
        self.by_place = {}
        # By id, which holds since the functions do.
        self.by_function = {id(one.__code__): one.__qualname__ for one in gc.get_objects()
                            if isinstance(one, FunctionType) and is_own_name(one)}

    def add(self, code, name=None):
        name = name or code.co_name
        self.by_place.setdefault(place_of(code), name)
        if code.co_name == "<module>":
            prefix = ""
        else:
            is_function = code.co_flags & CO_OPTIMIZED and code.co_name not in COMPREHENSIONS
            prefix = name + (".<locals>." if is_function else ".")
        for constant in code.co_consts:
            if hasattr(constant, "co_code"):
                self.add(constant, prefix + constant.co_name)

    def of(self, code):
        if hasattr(code, "co_qualname"):
            return code.co_qualname
        by_function = self.by_function.get(id(code)) if source_file(code.co_filename).startswith("<") else None
        return by_function or self.by_place.get(place_of(code))

    def facts(self, code, module):
        digest = hashlib.sha256(code.co_code).hexdigest()
        return module, self.of(code), code.co_firstlineno, "sha256:" + digest, code.co_filename


def is_own_name(function):
    """Whether it is not the name of another function that this one wraps."""
    return function.__qualname__.split(".")[-1] == function.__code__.co_name


def place_of(code):
    # The bytes tell apart two lambdas on one line, if not those that do the same under different names.
    return code.co_filename, code.co_firstlineno, code.co_name, code.co_code


def write(truth, path):
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
        # All at once, which is done in C.
        file.write(json.dumps(truth))
