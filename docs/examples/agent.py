#!/usr/bin/env python3
"""A small agent desktop for Anteroom: signs in, waits for offers, accepts, ends.

Python's standard library only. What it does step by step stands in docs/agents.md.
"""

import argparse
import getpass
import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# A comment comes every 15 seconds: longer silence means that the connection is dead.
SILENCE_MAX_S = 45
ANSWER_MAX_S = 30


class Refused(Exception):
    """The daemon said no, and why."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail") or f"status {status}")
        self.status = status
        self.code = problem.get("code")


class Api:
    """Questions and answers in JSON."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.token = None

    def open(self, method, path, body=None, headers=None, timeout=ANSWER_MAX_S):
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            return urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as answer:
            with answer:
                try:
                    problem = json.load(answer)
                except ValueError:
                    problem = {}
            raise Refused(answer.code, problem) from None

    def ask(self, method, path, body=None):
        with self.open(method, path, body) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def sign_in(self, user, password):
        answer = self.ask("POST", "/api/v1/session", {"user": user, "password": password})
        self.token = answer["token"]


class Events:
    """The stream of events, for ever: it comes back by itself, and misses nothing."""

    def __init__(self, api):
        self.api = api
        self.last = None
        self.retry_s = 2.0

    def __iter__(self):
        while True:
            headers = {"Accept": "text/event-stream"}
            if self.last is not None:
                headers["Last-Event-ID"] = self.last
            try:
                stream = self.api.open(
                    "GET", "/api/v1/events", headers=headers, timeout=SILENCE_MAX_S
                )
                with stream:
                    yield from self.read(stream)
            except Refused as refused:
                if refused.status < 500:
                    raise
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(self.retry_s)

    def read(self, stream):
        name, data, last = "message", [], None
        for line in stream:
            field, _, value = line.decode().rstrip("\r\n").partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field == "id":
                last = value
            elif field == "retry":
                self.retry_s = int(value) / 1000
            elif not field and not value:
                # An event is whole with an empty line, and only then has one seen it.
                if last is not None:
                    self.last = last
                if data:
                    yield name, json.loads("\n".join(data))
                name, data, last = "message", [], None


class Desk:
    """One agent at work."""

    def __init__(self, api, arguments):
        self.api = api
        self.user = arguments.user
        self.arguments = arguments
        self.ended = 0

    def work(self):
        active = {service: True for service in self.arguments.service}
        self.api.ask("PUT", "/api/v1/me/state", {"presence": "online", "active": active})
        say(f"{self.user} is online and waits. Ctrl-C goes offline.")
        for name, data in Events(self.api):
            if name == "snapshot":
                for item in data["items"]:
                    self.go_on(item)
                for offer in data["offers"]:
                    self.accept(offer)
            elif name == "offered" and self.user in data["agents"]:
                self.accept(data)
            if self.is_enough():
                return

    def is_enough(self):
        return self.arguments.count is not None and self.ended >= self.arguments.count

    def accept(self, offer):
        if self.is_enough():
            return
        say(f"\nAn offer of {offer['service']}: {offer['title'] or offer['item']}")
        try:
            item = self.api.ask("POST", path(offer["item"], "accept"), {"offer": offer["id"]})
        except Refused as refused:
            say(f"It is gone: {refused}")
            return
        self.finish(item)

    def go_on(self, item):
        """With what was in hand before this client was started."""
        item = self.api.ask("GET", path(item))
        if item["state"] == "connected" and not self.is_enough():
            self.finish(item)

    def finish(self, item):
        show(item)
        results = item["results"]
        result = self.arguments.auto or choose(results)
        note = self.arguments.note
        if note is None and not self.arguments.auto:
            note = input("Note: ") or None
        end = {"session": item["session"], "result": result, "share": self.arguments.share}
        if note:
            end["note"] = note
        try:
            self.api.ask("POST", path(item["id"], "end"), end)
        except Refused as refused:
            # Its sender took it back, or a supervisor did.
            say(f"It was not ended: {refused}")
            return
        self.ended += 1
        say(f"Ended: {result}.")

    def leave(self):
        self.api.ask("PUT", "/api/v1/me/state", {"presence": "offline"})
        self.api.ask("DELETE", "/api/v1/session")
        say(f"\n{self.user} is offline.")


def path(item, verb=None):
    """The address of an item, or of something done with it."""
    address = "/api/v1/items/" + urllib.parse.quote(item, safe="")
    return f"{address}/{verb}" if verb else address


def show(item):
    say(f"  {item['title'] or item['reference']}")
    for link in item["links"]:
        say(f"  {link['name']}: {link['href']}")
    for datum in item["contactData"]:
        say(f"  {datum['key']}: {datum['value']}")


def choose(results):
    """Enter takes the first."""
    while True:
        said = input(f"Result ({', '.join(results)}) [{results[0]}]: ") or results[0]
        if said in results:
            return said


def say(text):
    print(text, flush=True)


def password(arguments):
    if arguments.password_file:
        with open(arguments.password_file, encoding="utf-8") as file:
            return file.readline().rstrip("\n")
    return os.environ.get("ANTEROOM_PASSWORD") or getpass.getpass()


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8481", help="of the console")
    parser.add_argument("--user", required=True)
    parser.add_argument(
        "--password-file", help="else ANTEROOM_PASSWORD in the environment, else it is asked for"
    )
    parser.add_argument(
        "--service", action="append", default=[], help="to be active in; may be given again"
    )
    parser.add_argument("--auto", metavar="RESULT", help="end every item with it, without asking")
    parser.add_argument("--note", help="for every item; else it is asked for")
    parser.add_argument("--share", action="store_true", help="the sender may read the note")
    parser.add_argument("--count", type=int, help="leave after so many items")
    return parser.parse_args()


def interrupt(_signal, _frame):
    raise KeyboardInterrupt


def main():
    arguments = parse()
    signal.signal(signal.SIGTERM, interrupt)
    api = Api(arguments.url)
    api.sign_in(arguments.user, password(arguments))
    desk = Desk(api, arguments)
    try:
        desk.work()
    except KeyboardInterrupt:
        pass
    finally:
        desk.leave()


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError) as fault:
        sys.exit(f"agent.py: {fault}")
