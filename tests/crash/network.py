# network.py - the other end of wire.so: a network that never sends an event
# again once it was told that it is safe, and remembers all it was shown.
# SPDX-License-Identifier: Apache-2.0

import json
import threading
import time

AGAIN = 2.0            # s without an acknowledgement, then it is sent again


class Event:
    def __init__(self, number, body):
        self.body = dict(body, id="E%d" % number)
        self.acked = False
        self.sent = 0.0                 # when; 0: not to this process


class Network:
    """Lives longer than any process of the bot."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events = []
        self.messages = {}              # id -> what it shows now
        self.by_key = {}                # key of a new message -> its id
        self.answers = []               # what was said under which event
        self.wrong = []                 # what must not happen
        self.bot = None

    def attach(self, bot):
        """A new process: what was not acknowledged comes again."""
        with self.lock:
            self.bot = bot
            for event in self.events:
                event.sent = 0.0
        threading.Thread(target=self.read, args=(bot,), daemon=True).start()

    def happens(self, **body):
        with self.lock:
            self.events.append(Event(len(self.events) + 1, body))

    def tick(self):
        """Sends what is due."""
        now = time.monotonic()
        with self.lock:
            for event in self.events:
                if event.acked or now - event.sent < AGAIN:
                    continue
                event.sent = now
                self.write(event.body)

    def write(self, body):
        try:
            self.bot.stdin.write(json.dumps(body).encode() + b"\n")
            self.bot.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass                        # it is dead: the next one gets it

    def read(self, bot):
        for line in bot.stdout:
            if not line.endswith(b"\n"):
                break                   # it died in the middle of it
            body = json.loads(line)
            with self.lock:
                if "ack" in body:
                    self.acknowledged(body)
                elif "post" in body:
                    self.posted(bot, body)

    def acknowledged(self, body):
        for event in self.events:
            if event.body["id"] == body["ack"] and body["result"] == 0:
                event.acked = True

    def posted(self, bot, body):
        message = body.get("edits")
        if message is None:
            message = self.by_key.get(body["key"])
            if message is not None and not body["again"]:
                self.wrong.append("%s was posted twice, and the second time "
                                  "did not say so" % body["key"])
            # Like a network that can be searched: found, and left as it is.
            found = message is not None
            if not found:
                message = "m%d" % (len(self.messages) + 1)
                self.by_key[body["key"]] = message
                self.messages[message] = body
        elif message not in self.messages:
            self.wrong.append("%s was edited, but is not there" % message)
        else:
            self.messages[message] = body
        if body.get("reply"):
            self.answers.append((body["reply"], body["text"]))
        if bot is self.bot:
            self.write({"sent": body["post"], "result": 0,
                        "message": message})

    def token(self, what, label):
        """Of a button on the card about `what`, as it is shown now."""
        with self.lock:
            for body in self.messages.values():
                if what in body["text"] and label in body["tokens"]:
                    return body["tokens"][label]
        return None

    def unacked(self):
        with self.lock:
            return [e.body for e in self.events if not e.acked]

    def cards(self, what):
        """Messages in rooms that are about `what` and are cards."""
        with self.lock:
            return [(m, b) for m, b in self.messages.items()
                    if "room" in b and b["key"].startswith(what + "@")]
