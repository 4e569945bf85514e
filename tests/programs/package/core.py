def work(n):
    for _ in range(5000):
        n += 1
    return n


class Tool:
    def use(self, n):
        for _ in range(5000):
            n += 1
        return n
