"""Watches through sys.monitoring: 3.12 and later."""
import sys

TOOL = 3
getframe, monitoring = sys._getframe, sys.monitoring


class Watch:
    """Tells a recorder what runs."""

    def __init__(self, recorder):
        self.raise_opcode = raise_opcode()
        # By id of a code object that the recorder keeps: its bytes, a new object at each look.
        self.bytes = {}
        self.settrace, sys.settrace = sys.settrace, self.program_settrace
        self.recorder = recorder
        events = monitoring.events
        self.callbacks = {
            events.PY_START: lambda code, offset: recorder.started(getframe(1)),
            events.PY_RESUME: lambda code, offset: recorder.entered_again(getframe(1), "resume"),
            events.PY_THROW: lambda code, offset, error: recorder.entered_again(getframe(1), "throw"),
            events.PY_RETURN: lambda code, offset, value: recorder.ended(getframe(1), "return", type(value)),
            events.PY_UNWIND: lambda code, offset, error: recorder.ended(getframe(1), "exception", type(error)),
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

    def raised(self, code, offset, error):
        if id(code) not in self.bytes:
            self.bytes[id(code)] = code, code.co_code
        is_raise = self.bytes[id(code)][1][offset] == self.raise_opcode
        self.recorder.raised(getframe(1), type(error), error.__traceback__, is_raise)

    def program_settrace(self, function):
        self.settrace(self.recorder.forwarding(function))


def raise_opcode():
    """RAISE_VARARGS, whose number differs by version."""
    with_raise, without = (set(compile(text, "", "exec").co_code[::2]) for text in ("raise", "pass"))
    (opcode,) = with_raise - without
    return opcode
