# Functions that are compiled in a loop, called, and freed, so that the next ones have their addresses.
# modules: generated

SOURCE = """
def made(value, more={!r}):
    return value {}

class Made:
    def method(self, value):
        return made(value)

result = made({!r}) if {} % 2 else Made().method({!r})
"""


def main():
    results = []
    for n in range(60):
        value, rest = [(n, "+ more"), ("text", "* 2"), (1.5, "- 1"), (None, "or more")][n % 4]
        namespace = {"__name__": "generated"}
        exec(compile(SOURCE.format(n, rest, value, n, value), "<made>", "exec"), namespace)
        results.append(namespace["result"])
    for n in range(20):
        results.append(eval("(lambda value: value)({!r})".format(n if n % 3 else str(n))))
    return len(results), results[-1]


print(main())
