# Functions on several threads at once; a thread made by subclassing, and a pool.
# expect: __main__.odd_work __main__.even_work __main__.Worker.run __main__.pooled
import threading
from concurrent.futures import ThreadPoolExecutor

from rounds import rounds


def odd_work(results, n):
    total = 0
    for i in range(20000):
        total += i & 1
    results[n] = total


def even_work(results, n):
    total = 0
    for i in range(20000):
        total += 1 - (i & 1)
    results[n] = total


class Worker(threading.Thread):
    def run(self):
        self.result = 0
        for i in range(20000):
            self.result += i & 1


def pooled(n):
    total = n
    for i in range(10000):
        total += i & 1
    return total


def main():
    results = {}
    workers = [threading.Thread(target=odd_work, args=(results, 1))]
    workers.append(threading.Thread(target=even_work, args=(results, 2)))
    workers.append(Worker())
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with ThreadPoolExecutor(2) as pool:
        pooled_results = list(pool.map(pooled, range(2)))
    return results[1], results[2], workers[2].result, pooled_results


for _ in rounds():
    result = main()
print(result)
