# What has code and is called without being a def: class bodies, comprehensions, lambdas, eval, module bodies.
# modules: rarely_imported
import rarely_imported


def comprehensions(n):
    squares = [value * value for value in range(n)]
    pairs = {value: str(value) for value in squares}
    names = {name for name in pairs.values()}
    nested = [[value + other for value in range(2)] for other in range(3)]
    return sum(value for value in squares), names, nested


def classes():
    class Outer:
        value = [n for n in range(3)]

        class Inner(int):
            pass

    return Outer


def lambdas():
    table = {name: (lambda value, name=name: (name, value)) for name in ("a", 1)}
    return [function(None) for function in table.values()] + sorted([1, 2], key=lambda n: -n)


def evaluated(value):
    exec("value = value + value")
    return eval("value * 2", {"value": value}) if value != "exit" else eval("outer(value)", globals(), locals())


def outer(value):
    return rarely_imported.function(value)


for n in (2, 3):
    comprehensions(n)
    classes()
    lambdas()
    evaluated(n)
    evaluated("text")
print(evaluated("exit"))
