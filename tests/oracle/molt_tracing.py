"""Watches through sys.settrace: up to 3.11.

It tells of entries and exits of frames, not which of them are starts, resumes, returns, yields or exceptions.
That follows from the instruction that the frame is at.
"""
import sys
from _thread import get_ident

RETURN_VALUE, YIELD_VALUE, YIELD_FROM, RAISE_VARARGS, RESUME = 83, 86, 72, 130, 151
HAS_RESUME = sys.version_info >= (3, 11)


class Watch:
    """Tells a recorder what runs."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.settrace, sys.settrace = sys.settrace, self.program_settrace
        # By id of a code object, which is kept with them: its bytes, a new object at each look.
        self.bytes = {}
        # By frame: where it was entered, until it has been seen to run on from there.
        self.entered = {}
        # By frame: the type of the last exception in it.
        self.error = {}
        # By frame: whether that exception came at a yield, and has not been seen to be caught.
        self.thrown = set()
        # By thread and by frame: what the program itself gave to sys.settrace.
        self.programs = {}
        self.locals = {}

    def start(self):
        """Begins, or goes on with another thread."""
        self.settrace(self.call)

    def stop(self):
        self.settrace(None)

    def program_settrace(self, function):
        self.programs[get_ident()] = self.recorder.forwarding(function)

    def operation(self, frame, lasti):
        code = frame.f_code
        if id(code) not in self.bytes:
            self.bytes[id(code)] = code, code.co_code
        code_bytes = self.bytes[id(code)][1]
        return code_bytes[lasti] if 0 <= lasti < len(code_bytes) else None

    def is_yield(self, frame):
        lasti = frame.f_lasti
        # Up to 3.10 a frame that waits in `yield from` or `await` is at the instruction before it.
        return self.operation(frame, lasti) == YIELD_VALUE or (
            not HAS_RESUME and YIELD_FROM in (self.operation(frame, lasti), self.operation(frame, lasti + 2)))

    def entry(self, frame):
        """What the entry of a frame is. Up to 3.10 it is a throw if an exception follows at once."""
        lasti = frame.f_lasti
        if not HAS_RESUME:
            return "start" if lasti < 0 else "resume"
        if self.operation(frame, lasti) != RESUME:
            return "throw"
        return "resume" if self.operation(frame, lasti + 1) else "start"

    def call(self, frame, event, argument):
        if self.recorder.seen(frame) is None:
            return None
        entry = self.entry(frame)
        if entry == "start":
            self.recorder.started(frame)
        else:
            self.recorder.entered_again(frame, entry)
        if not HAS_RESUME:
            self.entered[id(frame)] = frame.f_lasti
        frame.f_trace_lines = False
        program = self.programs.get(get_ident())
        if program is not None:
            self.forward(program, frame, event, argument)
        return self.local

    def local(self, frame, event, argument):
        key = id(frame)
        if event == "opcode":
            self.thrown.discard(key)
            frame.f_trace_opcodes = False
            return self.local
        if event == "exception":
            self.exception(frame, *argument)
        elif event == "return":
            self.exit(frame, argument)
        program = self.locals.get(key)
        if program is not None:
            self.forward(program, frame, event, argument)
        return self.local

    def exception(self, frame, of, _value, traceback):
        key, lasti = id(frame), frame.f_lasti
        if traceback is None or traceback.tb_frame is not frame:
            return
        if self.entered.pop(key, None) == lasti:
            # It has not run since it was entered: the exception was thrown into it.
            if lasti < 0:
                self.recorder.open.pop(key, None)
            else:
                self.recorder.entered_again(frame, "resume", -1)
            self.recorder.entered_again(frame, "throw")
        self.error[key] = of
        if self.is_yield(frame):
            self.thrown.add(key)
            frame.f_trace_opcodes = True
        self.recorder.raised(frame, of, traceback, self.operation(frame, lasti) == RAISE_VARARGS)

    def exit(self, frame, value):
        key = id(frame)
        self.entered.pop(key, None)
        if self.operation(frame, frame.f_lasti) == RETURN_VALUE:
            self.recorder.ended(frame, "return", type(value))
        elif not self.is_yield(frame) or key in self.thrown:
            self.recorder.ended(frame, "exception", self.error.get(key, BaseException))
        else:
            return
        self.thrown.discard(key)
        self.error.pop(key, None)

    def forward(self, program, frame, event, argument):
        local = program(frame, event, argument)
        if event == "return":
            self.locals.pop(id(frame), None)
        elif local is not None:
            self.locals[id(frame)] = local
            frame.f_trace_lines = True

