"""A module that mutations.py loads again."""


class Made:
    pass
