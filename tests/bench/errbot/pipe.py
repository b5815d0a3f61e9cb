# pipe.py - the shortest backend for Errbot: lines in, answers out.
# SPDX-License-Identifier: Apache-2.0
#
# Its own text backend sleeps half a second after each line and renders each
# answer four times, which says nothing about Errbot.  Its backends for networks
# render each answer once, from Markdown; PIPE_RENDERS=no leaves even that out.

import os
import sys

from errbot.backends.base import Message, Person
from errbot.core import ErrBot
from errbot.rendering import text


class PipePerson(Person):
    def __init__(self, name):
        self._name = name

    person = nick = aclattr = property(lambda self: self._name)
    fullname = email = property(lambda self: self._name)
    client = property(lambda self: "")

    def __str__(self):
        return self._name

    def __eq__(self, other):
        return str(self) == str(other)

    def __hash__(self):
        return hash(self._name)


class PipeBackend(ErrBot):
    def __init__(self, config):
        super().__init__(config)
        self.bot_identifier = PipePerson("@errbot")
        self.user = PipePerson("@ada")
        self.md = text() if os.environ.get("PIPE_RENDERS") != "no" else None

    def serve_forever(self):
        self.connect_callback()
        print("ready", flush=True)
        for line in sys.stdin:
            msg = Message(line.rstrip("\n"))
            msg.frm = self.user
            msg.to = self.bot_identifier
            self.callback_message(msg)
        self.disconnect_callback()
        self.shutdown()

    def send_message(self, msg):
        super().send_message(msg)
        body = self.md.convert(msg.body) if self.md else msg.body
        sys.stdout.write(body.rstrip("\n") + "\n")
        sys.stdout.flush()

    def build_identifier(self, text_representation):
        return PipePerson(text_representation)

    def build_reply(self, msg, text=None, private=False, threaded=False):
        reply = self.build_message(text)
        reply.frm, reply.to = self.bot_identifier, msg.frm
        return reply

    def prefix_groupchat_reply(self, message, identifier):
        pass

    def change_presence(self, status="", message=""):
        pass

    def query_room(self, room):
        return None

    @property
    def rooms(self):
        return []

    @property
    def mode(self):
        return "pipe"
