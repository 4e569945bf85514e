"""What `bodies` imports."""


def function(value):
    return Made(value).value


class Made:
    def __init__(self, value):
        self.value = value
