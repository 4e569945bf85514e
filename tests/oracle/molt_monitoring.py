"""Watches through sys.monitoring: 3.12 and later."""
import sys

TOOL = 3
# RESUME_OPARG_DEPTH1_MASK of Include/internal/pycore_opcode_utils.h: the yield before is in no try or with.
OUTSIDE_TRY = {(3, 14): 4}.get(sys.version_info[:2], 8)
getframe, monitoring = sys._getframe, sys.monitoring


class Watch:
    """Tells a recorder what runs."""

    def __init__(self, recorder):
        self.raise_opcode = raise_opcode()
        # By id of a code object, which is kept with them: its bytes, a new object at each look.
        self.bytes = {}
        # Frames of generators that would not have run again but for this watching.
        self.closed = set()
        self.settrace, sys.settrace = sys.settrace, self.program_settrace
        self.recorder = recorder
        events = monitoring.events
        self.callbacks = {
            events.PY_START: lambda code, offset: recorder.started(getframe(1)),
            events.PY_RESUME: lambda code, offset: recorder.entered_again(getframe(1), "resume"),
            events.PY_THROW: self.thrown,
            events.PY_RETURN: lambda code, offset, value: recorder.ended(getframe(1), "return", type(value)),
            events.PY_UNWIND: self.unwound,
            events.RAISE: self.raised,
        }

    def start(self):
        """Begins. All threads are watched at once."""
        if monitoring.get_tool(TOOL) is not None:
            return
        monitoring.use_tool_id(TOOL, "oracle")
        wanted = 0
        for event, callback in self.callbacks.items():
            monitoring.register_callback(TOOL, event, callback)
            wanted |= event
        monitoring.set_events(TOOL, wanted)

    def stop(self):
        monitoring.set_events(TOOL, 0)

    def operation(self, code, offset):
        """Opcode and argument of an instruction."""
        if id(code) not in self.bytes:
            self.bytes[id(code)] = code, code.co_code
        return self.bytes[id(code)][1][offset:offset + 2]

    def thrown(self, code, offset, error):
        frame = getframe(1)
        # From 3.14 on close() just clears a generator that waits outside of any try, unless the instruction that
        # it waits at is instrumented (gen_close, Objects/genobject.c).
        is_close = sys.version_info >= (3, 14) and type(error) is GeneratorExit
        if is_close and self.operation(code, offset)[1] & OUTSIDE_TRY:
            self.closed.add(id(frame))
            self.recorder.given_up(frame)
        else:
            self.recorder.entered_again(frame, "throw")

    def raised(self, code, offset, error):
        frame = getframe(1)
        if id(frame) not in self.closed:
            is_raise = self.operation(code, offset)[0] == self.raise_opcode
            self.recorder.raised(frame, type(error), error.__traceback__, is_raise)

    def unwound(self, code, offset, error):
        frame = getframe(1)
        if id(frame) in self.closed:
            self.closed.remove(id(frame))
        else:
            self.recorder.ended(frame, "exception", type(error))

    def program_settrace(self, function):
        self.settrace(self.recorder.forwarding(function))


def raise_opcode():
    """RAISE_VARARGS, whose number differs by version."""
    with_raise, without = (set(compile(text, "", "exec").co_code[::2]) for text in ("raise", "pass"))
    (opcode,) = with_raise - without
    return opcode
