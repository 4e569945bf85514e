# Coroutines, async generators, async with and async comprehensions, under asyncio and by hand.
# expect: __main__.work __main__.numbers __main__.Lock.__aenter__ __main__.gather
import asyncio

from rounds import rounds


class Lock:
    async def __aenter__(self):
        for _ in range(2000):
            pass
        return self

    async def __aexit__(self, *exception):
        return False


async def work(n):
    for _ in range(1000):
        n += 1
    await asyncio.sleep(0)
    for _ in range(1000):
        n -= 1
    return n


async def numbers(n):
    for i in range(n):
        for _ in range(300):
            pass
        yield i


async def gather():
    async with Lock():
        results = await asyncio.gather(*[work(n) for n in range(10)])
    for _ in range(2000):
        pass
    return sum(results) + sum([n async for n in numbers(20)])


def by_hand(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


async def main():
    for _ in rounds():
        result = await gather(), by_hand(work(5))
    return result


print(asyncio.run(main()))
