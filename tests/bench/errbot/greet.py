# greet.py - the same greeting as plugins/example/hello.c, for Errbot.
# SPDX-License-Identifier: Apache-2.0

from errbot import BotPlugin, botcmd


class Greet(BotPlugin):
    @botcmd
    def hello(self, msg, args):
        """say hello to you, or to NAME"""
        return f"Hello, {args or msg.frm}!"
