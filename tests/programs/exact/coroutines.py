# Coroutines and async generators under asyncio: tasks, cancellation, async with, exceptions; and by hand.
import asyncio
import gc

# What tasks leave behind in cycles would be freed, and its finalizers run, whenever a collection is due.
gc.disable()


class Lock:
    async def __aenter__(self):
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, kind, error, traceback):
        return kind is KeyError


class Ticker:
    def __init__(self, end):
        self.end = end

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.end:
            raise StopAsyncIteration
        self.end -= 1
        return self.end


class Ready:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield
        return self.value


async def work(n):
    await asyncio.sleep(0)
    return n


async def nested(depth):
    return await nested(depth - 1) if depth else await work("bottom")


async def fails(n):
    await asyncio.sleep(0)
    raise ValueError(n)


async def forever(log):
    try:
        while True:
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        log.append("cancelled")
        raise


async def shielded(log):
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        log.append("shielded")
    return "done"


async def numbers(n):
    for value in range(n):
        await asyncio.sleep(0)
        yield value


async def tidy(log):
    try:
        yield 1
        yield 2
    finally:
        await work(0)
        log.append("tidy")


async def main():
    log = []
    async with Lock() as lock:
        log.append(await asyncio.gather(*[work(n) for n in range(5)], nested(5)))
    async with lock:
        raise KeyError
    async for _ in Ticker(3):
        pass
    log.append([n async for n in numbers(4)])
    log.append({n: await work(n) for n in range(2)})
    log.append(await Ready("ready"))
    task = asyncio.ensure_future(forever(log))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        log.append("seen")
    other = asyncio.ensure_future(shielded(log))
    await asyncio.sleep(0)
    other.cancel()
    log.append(await other)
    results = await asyncio.gather(fails(1), fails("2"), work(3), return_exceptions=True)
    log.append(len(results))
    try:
        await fails(None)
    except ValueError:
        pass
    ticking = tidy(log)
    await ticking.__anext__()
    await ticking.aclose()
    thrown = tidy(log)
    await thrown.asend(None)
    try:
        await thrown.athrow(ValueError)
    except ValueError:
        pass
    return log


def by_hand():
    ready = nested(2)
    ready.close()
    waiting = nested(2)
    waiting.send(None)
    try:
        waiting.throw(OSError)
    except OSError:
        return "thrown"


import warnings

warnings.simplefilter("ignore")
print(asyncio.run(main()), by_hand())
