# Code that was compiled while the program ran: exec and eval, in namespaces with a module name and without.
# expect: generated.made generated.Made.method __main__.here
from rounds import rounds

MADE = compile("""
def made(n):
    for _ in range(2000):
        n += 1
    return n

class Made:
    def method(self):
        n = 0
        for _ in range(2000):
            n += 1
        return made(n)

result = made(1) + Made().method()
""", "<made>", "exec")
HERE = compile("""


def here(n, m=0):
    for _ in range(2000):
        n += 1
    return n + m
""", "<string>", "exec")
NAMELESS = compile("""




def nameless(n, m=0, k=0):
    for _ in range(2000):
        n += 1
    return n + m + k
""", "<nameless>", "exec")

generated = {"__name__": "generated"}
unnamed = {}
for _ in rounds():
    for _ in range(20):
        exec(MADE, generated)
        exec(HERE)
        exec(NAMELESS, unnamed)
        total = here(2) + generated["result"] + eval("nameless(3)", unnamed)
print(total)
