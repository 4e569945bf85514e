"""What ran: calls with the types of their arguments and results, resumes, and exceptions, counted.

A call is the start of a function's frame: for a generator or coroutine its first step, not its making. It is
counted once it has ended, since its outcome is part of what is counted.
"""
import os
import sys
from _thread import get_ident

OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS = 1, 4, 8
# Slots whose types are told; `...` stands for the rest.
SLOTS = 8
ANY = object()
# A class may have attributes of these names for its instances, and a metaclass for itself.
MODULE, QUALNAME = type.__dict__["__module__"].__get__, type.__dict__["__qualname__"].__get__


def name_of(of):
    module, qualname = MODULE(of), QUALNAME(of)
    return qualname if module == "builtins" else "{}.{}".format(module, qualname)


class Recorder:
    def __init__(self):
        # By id: two code objects may be equal, and hashing one walks all of its constants. Each is kept alive.
        self.codes = {}
        self.ran = set()
        self.own = set()
        self.parameters = {}
        # By thread, so that no two threads add to one number: what was counted, to how often.
        self.counts = {}
        # By frame: the call that it is.
        self.open = {}

    def count(self, what, by=1):
        counts = self.counts.get(get_ident())
        if counts is None:
            counts = self.counts[get_ident()] = {}
        counts[what] = counts.get(what, 0) + by

    def totals(self):
        """What was counted: (caller, instruction, callee, outcome, argument types, type), how often."""
        totals = {}
        for counts in list(self.counts.values()):
            for what, count in list(counts.items()):
                totals[what] = totals.get(what, 0) + count
        for call in list(self.open.values()):
            what = call + ("open", None)
            totals[what] = totals.get(what, 0) + 1
        return totals

    def seen(self, frame):
        """The function of a frame: its code object and the name of its module; none for the oracle's own."""
        code = frame.f_code
        key = id(code), frame.f_globals.get("__name__")
        if key not in self.ran:
            if key in self.own:
                return None
            self.codes[id(code)] = code
            if code.co_filename.startswith(OWN):
                self.own.add(key)
                return None
            self.parameters[id(code)] = parameters(code)
            self.ran.add(key)
        return key

    def place(self, frame):
        """The nearest frame that is the program's, as (function, instruction)."""
        key = self.seen(frame) if frame is not None else None
        if key is None:
            return None, None
        return key, frame.f_lasti

    def started(self, frame):
        callee = self.seen(frame)
        if callee is None:
            return
        # That of a generator which was closed without running again: another frame has its address now.
        self.given_up(frame)
        self.open[id(frame)] = self.place(frame.f_back) + (callee, self.arguments(frame))

    def ended(self, frame, outcome, of):
        call = self.open.get(id(frame))
        # Its module's name may have changed meanwhile, as that of importlib does. Another function's is a call
        # that has been given up.
        if call is not None and call[2][0] == id(frame.f_code):
            del self.open[id(frame)]
            self.count(call + (outcome, name_of(of)))

    def given_up(self, frame):
        """Counts a call that will not end, if the frame is one."""
        call = self.open.pop(id(frame), None)
        if call is not None:
            self.count(call + ("open", None))

    def entered_again(self, frame, outcome, by=1):
        """Counts a step after the first: `resume`, or `throw` for an exception that is thrown in."""
        callee = self.seen(frame)
        if callee is not None:
            self.count(self.place(frame.f_back) + (callee, (), outcome, None), by)

    def raised(self, frame, of, traceback, is_raise):
        """Notes an exception that left an instruction of the frame.

        The interpreter has put the frame at the head of the traceback, or else it only looked at the exception, as
        for the end of an iteration. Without a second entry it began here, as it does at a raise statement.
        """
        if traceback is None or traceback.tb_frame is not frame:
            return
        function = self.seen(frame)
        if function is not None:
            began_here = traceback.tb_next is None or is_raise
            self.count((function, name_of(of), began_here))

    def arguments(self, frame):
        names, rest = self.parameters[id(frame.f_code)]
        if not names:
            return ()
        values = frame.f_locals
        types = [kind or name_of(type(values.get(name, ANY))) for name, kind in names]
        return tuple(types) + rest

    def forwarding(self, function):
        """A trace function of the program's own, whose calls the interpreter tells nobody about."""
        if function is None:
            return None

        def forward(frame, event, argument):
            if self.seen(frame) is None:
                return None
            callee = id(function.__code__), function.__globals__.get("__name__")
            self.codes[callee[0]] = function.__code__
            self.ran.add(callee)
            arguments = tuple(name_of(type(value)) for value in (frame, event, argument))
            call = self.place(frame) + (callee, arguments)
            result = function(frame, event, argument)
            self.count(call + ("return", name_of(type(result))))
            return result if result is None else self.forwarding(result)

        return forward


def parameters(code):
    """The parameters of a function in the order of its locals, as (name, what to say instead of a type)."""
    if not code.co_flags & CO_OPTIMIZED:
        return (), ()
    count = code.co_argcount + code.co_kwonlyargcount
    kinds = [None] * count
    if code.co_flags & CO_VARARGS:
        kinds.append("*tuple[...]")
    if code.co_flags & CO_VARKEYWORDS:
        kinds.append("**dict[...]")
    names = list(zip(code.co_varnames, kinds))
    return names[:SLOTS], ("...",) if len(names) > SLOTS else ()
