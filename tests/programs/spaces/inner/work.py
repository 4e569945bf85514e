def inside(n):
    for _ in range(5000):
        n += 1
    return n
