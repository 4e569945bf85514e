# Code that was compiled while the program ran: exec, eval, with and without a module name of its own.
# expect: generated.made __main__.here
from rounds import rounds

SOURCE = """
def made(n):
    for _ in range(2000):
        n += 1
    return n

class Made:
    def method(self):
        return made(0)

result = made(1) + Made().method()
"""
HERE = """
def here(n):
    for _ in range(2000):
        n += 1
    return n
"""
generated = {"__name__": "generated"}
nameless = {}
for _ in rounds():
    for _ in range(20):
        exec(SOURCE, generated)
        exec(compile(SOURCE, "<made>", "exec"), nameless)
        exec(HERE)
        total = here(2) + generated["result"] + eval("nameless['made'](here(3))")
print(total)
