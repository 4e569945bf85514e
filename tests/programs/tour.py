"""A small real program to try molt on: count the words of made-up letters, find the shortest ways
between the towns that they name, and let the post run for a year. About two seconds, no input."""
import collections
import heapq
import json
import random
import re

TOWNS = ["Ambridge", "Borchester", "Casterbridge", "Dunwich", "Emmerdale", "Felpersham", "Grantchester"]
WORDS = "the rain in our valley has not stopped since you left and every letter takes longer".split()
WORD = re.compile(r"[A-Za-z]+")


class Letter:
    def __init__(self, sender, receiver, text):
        self.sender = sender
        self.receiver = receiver
        self.text = text

    def words(self):
        return [word.lower() for word in WORD.findall(self.text)]


class Roads:
    def __init__(self, towns, chance):
        self.ways = {town: {} for town in towns}
        for here in towns:
            for there in chance.sample(towns, 3):
                if here != there:
                    self.connect(here, there, chance.randint(5, 40))

    def connect(self, here, there, miles):
        self.ways[here][there] = miles
        self.ways[there][here] = miles

    def shortest(self, start, goal):
        """Dijkstra's way: miles from start to goal."""
        best = {start: 0}
        queue = [(0, start)]
        while queue:
            miles, town = heapq.heappop(queue)
            if town == goal:
                return miles
            for neighbour, step in self.ways[town].items():
                if miles + step < best.get(neighbour, 1 << 30):
                    best[neighbour] = miles + step
                    heapq.heappush(queue, (miles + step, neighbour))
        raise LookupError("no road from {} to {}".format(start, goal))


class Post:
    def __init__(self, roads):
        self.roads = roads
        self.bags = collections.defaultdict(list)
        self.delivered = 0
        self.miles = 0

    def take(self, letter):
        self.bags[letter.sender].append(letter)

    def day(self):
        for town in sorted(self.bags):
            for letter in self.bags.pop(town):
                self.deliver(letter)

    def deliver(self, letter):
        try:
            self.miles += self.roads.shortest(letter.sender, letter.receiver)
            self.delivered += 1
        except LookupError:
            self.take(letter)


def write_letters(chance, count):
    for _ in range(count):
        sender, receiver = chance.sample(TOWNS, 2)
        text = " ".join(chance.choice(WORDS) for _ in range(40))
        yield Letter(sender, receiver, "Dear {}, {}.".format(receiver, text))


def count_words(letters):
    counts = collections.Counter()
    for letter in letters:
        counts.update(letter.words())
    return counts


def main():
    chance = random.Random(1840)
    post = Post(Roads(TOWNS, chance))
    counts = collections.Counter()
    for _ in range(365):
        letters = list(write_letters(chance, 280))
        counts.update(count_words(letters))
        for letter in letters:
            post.take(letter)
        post.day()
    commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    report = {"delivered": post.delivered, "miles": post.miles, "commonest": commonest}
    print(json.dumps(json.loads(json.dumps(report)), sort_keys=True))


if __name__ == "__main__":
    main()
