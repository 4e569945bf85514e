"""Starts the service that the arguments name, asks it from this process, checks each answer, and ends it.

`load.py REQUESTS [COMMAND...]` prints how many answers there were and a digest of them, and what the service says of
its own; its status is the service's. Where LOAD_RATE names a file, the answers in a second go there.
"""
import hashlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from urllib.parse import urlencode

CLIENTS = 2


class Client(threading.Thread):
    """Asks again as soon as it is answered."""

    def __init__(self, port, name, requests):
        super().__init__()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.requests = requests
        self.label = name
        self.digest = hashlib.sha256()
        self.answers = 0
        self.failure = None

    def run(self):
        try:
            for number in range(self.requests):
                self.one(number)
        except Exception as error:
            self.failure = error

    def one(self, number):
        kind = number % 5
        if kind == 0:
            self.ask("GET", "/items/%d" % (number % 50), 200)
        elif kind == 1:
            self.ask("GET", "/page?" + urlencode({"name": "<%s %d>" % (self.label, number)}), 200)
        elif kind == 2:
            body = json.dumps({"name": self.label, "parts": list(range(number % 20))})
            self.ask("POST", "/orders", 200, body)
        elif kind == 3:
            self.ask("GET", "/none/%d" % number, 404)
        else:
            self.ask("GET", "/refused/%d" % number, 409)

    def ask(self, method, path, expected, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != expected:
            raise AssertionError("%s %s: %d %r" % (method, path, answer.status, text))
        self.digest.update(text)
        self.answers += 1


def main():
    requests, command = int(sys.argv[1]), sys.argv[2:]
    service = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    word, port = service.stdout.readline().split()
    assert word == "ready", word
    warm = Client(int(port), "warm", requests // 10)
    warm.run()
    clients = [Client(int(port), "client%d" % number, requests // CLIENTS) for number in range(CLIENTS)]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.perf_counter() - began
    said, _ = service.communicate("")
    for client in [warm, *clients]:
        print(client.label, client.answers, client.failure, client.digest.hexdigest())
    print(said, end="")
    if "LOAD_RATE" in os.environ:
        with open(os.environ["LOAD_RATE"], "w") as file:
            file.write("%f\n" % (sum(client.answers for client in clients) / took))
    return service.returncode


sys.exit(main())
