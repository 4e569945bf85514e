"""A FastAPI service on uvicorn with models, dependencies and errors. Ends with its standard input."""
import asyncio
import html
import sys
import threading
from collections import Counter

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field

app = FastAPI()
answered = Counter()


class Item(BaseModel):
    number: int
    name: str
    price: float


class Order(BaseModel):
    name: str = Field(min_length=1)
    parts: list[int]


class Refused(Exception):
    pass


ITEMS = {number: Item(number=number, name="item %d" % number, price=number * 3 / 2) for number in range(50)}


async def stock():
    answered["stock"] += 1
    return ITEMS


@app.get("/items/{number}")
async def item(number: int, items: dict = Depends(stock)) -> Item:
    await asyncio.sleep(0)
    return items[number]


@app.get("/page", response_class=HTMLResponse)
async def page(name: str):
    lines = ["<li>%s: %s" % (item.name.title(), item.price) for item in list(ITEMS.values())[:10]]
    return "<title>%s</title><ul>%s</ul>" % (html.escape(name), "".join(lines))


@app.post("/orders")
def order(order: Order, items: dict = Depends(stock)):
    return {"name": order.name, "total": sum(items[number].price for number in order.parts)}


@app.get("/none/{number}")
async def none(number: int):
    raise HTTPException(404)


@app.get("/refused/{number}")
async def refused(number: int):
    raise Refused(number)


@app.exception_handler(Refused)
async def on_refused(request, error):
    return JSONResponse({"refused": error.args[0]}, 409)


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        threading.Thread(target=self.until_the_end).start()
        print("ready", self.servers[0].sockets[0].getsockname()[1], flush=True)

    def until_the_end(self):
        sys.stdin.read()
        self.should_exit = True


def main():
    Server(uvicorn.Config(app, port=0, log_level="error")).run()
    print(sorted(answered.items()))


main()
