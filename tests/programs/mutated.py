"""A module that other programs change, and that changes itself."""
counter = 0
cache = None
patched = 1
removed = 2
mocked = 3


def bump():
    global counter
    counter += 1


def fill():
    global cache
    if cache is None:
        cache = {}
