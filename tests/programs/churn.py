# Makes code objects and classes without end and lets them go, always under the same hundred names. Ends with its
# standard input.
import select
import sys

SOURCE = """
def {name}(value):
    return [value, str(value)]


class {name}_type:
    def __init__(self, value):
        self.{name}_value = value

    def get(self):
        return {name}(self.{name}_value)
"""


def make(name):
    namespace = {"__name__": "__main__"}
    exec(compile(SOURCE.format(name=name), "<" + name + ">", "exec"), namespace)
    return namespace


def use(namespace, name):
    for value in range(20):
        namespace[name + "_type"](value).get()


print("ready", flush=True)
count = 0
while not select.select([sys.stdin], [], [], 0.002)[0]:
    name = "made%d" % (count % 100)
    use(make(name), name)
    count += 1
print("done", count, flush=True)
