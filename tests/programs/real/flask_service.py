"""A Flask service with pages, JSON, and errors. Ends with its standard input."""
import logging
import sys
import threading
from collections import Counter

from flask import Flask, abort, jsonify, render_template_string, request
from werkzeug.serving import make_server

PAGE = """<!doctype html>
<title>{{ name }}</title>
<ul>{% for item in items %}<li class="{{ loop.cycle('odd', 'even') }}">{{ item.name|title }}: {{ item.price }}</li>
{% endfor %}</ul>
"""

app = Flask(__name__)
answered = Counter()


class Item:
    def __init__(self, number):
        self.number = number
        self.name = "item %d" % number
        self.price = number * 3 / 2

    def as_json(self):
        return {"number": self.number, "name": self.name, "price": self.price}


class Refused(Exception):
    pass


ITEMS = {number: Item(number) for number in range(50)}


@app.before_request
def count():
    answered[request.endpoint] += 1


@app.get("/items/<int:number>")
def item(number):
    return jsonify(ITEMS[number].as_json())


@app.get("/page")
def page():
    return render_template_string(PAGE, name=request.args["name"], items=list(ITEMS.values())[:10])


@app.post("/orders")
def order():
    wanted = request.get_json()
    items = [ITEMS[number] for number in wanted["parts"]]
    return jsonify(name=wanted["name"], total=sum(item.price for item in items))


@app.get("/none/<int:number>")
def none(number):
    abort(404)


@app.get("/refused/<int:number>")
def refused(number):
    raise Refused(number)


@app.errorhandler(Refused)
def on_refused(error):
    return jsonify(refused=error.args[0]), 409


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    print("ready", server.port, flush=True)
    sys.stdin.read()
    server.shutdown()
    serving.join()
    print(sorted(answered.items()))


main()
