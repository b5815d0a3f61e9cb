# teams.py - activities from Teams: botbuilder and bellhop, which keeps them before it answers.
# SPDX-License-Identifier: Apache-2.0

import json
import os
import shutil
import subprocess
import time
from urllib.parse import urlparse

import house
import load
import slack

PEOPLE = 64
ROUNDS = 3
ENROLLING = 5
WANTED = {1: 2.5, 16: 8, 64: 8}
PEERS = os.path.join(house.TOP, "tests", "peers", "teams")

CONF = """\
store: "sqlite:@STATE@/bellhop.db"
listen: 127.0.0.1:0
flood: "off"
quiet: {}
chat:
  corp:
    plugin: teams
    app-id: @APP@
    tenant: @TENANT@
    secret: file:@STATE@/secret
    login-url: "@URL@"
    metadata-url: "@METADATA@"
    service-hosts: ["@SERVICE@"]
access:
  - { commands: ["*"], who: [everyone] }
"""


class Side:
    """tests/bench/teams/side.js: a bot of botbuilder, or Microsoft's cloud."""

    def __init__(self, what):
        self.process = subprocess.Popen(
            ["node", os.path.join(house.TOP, "tests", "bench", "teams",
                                  "side.js"), PEERS, what, str(PEOPLE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"side.js {what} did not start")
        self.says = json.loads(line)

    def head(self, port):
        return ("POST /api/messages HTTP/1.1\n"
                f"Host: 127.0.0.1:{port}\n"
                "Content-Type: application/json; charset=utf-8\n"
                f"Authorization: Bearer {self.says['token']}\n"
                ).replace("\n", "\r\n")

    def end(self):
        self.process.stdin.close()
        last = json.loads(self.process.stdout.readline())
        self.process.wait()
        if last["sent"] > 0:
            raise SystemExit(f"{last['sent']} messages were sent, such as "
                             f"{last['first']!r}: receiving alone was to be "
                             "measured")


def plugins(build, state):
    """A directory with teams.so and quiet.so alone."""
    subprocess.run(["make", "-s", "-C", build.path, "tests/bench/quiet.la"],
                   check=True, stdout=subprocess.DEVNULL)
    os.mkdir(state.file("plugins"), 0o700)
    for name in (os.path.join(build.plugins, "teams.so"),
                 os.path.join(build.path, "tests", "bench", ".libs",
                              "quiet.so")):
        shutil.copy(name, state.file("plugins"))
        os.chmod(state.file("plugins", os.path.basename(name)), 0o600)


def ours(build, cloud, connections, count):
    with house.State() as state:
        says = cloud.says
        state.write("secret", says["secret"])
        conf = CONF
        for name, value in (("STATE", state.path), ("APP", says["appId"]),
                            ("TENANT", says["tenant"]), ("URL", says["url"]),
                            ("METADATA", says["metadataUrl"]),
                            ("SERVICE", says["service"])):
            conf = conf.replace(f"@{name}@", value)
        state.write("bellhop.yaml", conf)
        plugins(build, state)
        fitted = house.Build(build.path)
        fitted.plugins = state.file("plugins")
        bellhop = house.Bellhop(fitted, state, level="note")
        bellhop.ready()
        port = load.port_of(bellhop)
        head = cloud.head(port)
        # So that it knows everybody by then, as it does from day two on.
        load.run(build, state, port, head, says["activity"], connections,
                 connections)
        time.sleep(ENROLLING)
        result = load.run(build, state, port, head, says["activity"],
                          connections, count)
        bellhop.end()
        return result


def theirs(build, bot, connections, count):
    with house.State() as state:
        port = urlparse(bot.says["endpoint"]).port
        return load.run(build, state, port, bot.head(port),
                        bot.says["activity"], connections, count)


def run(build, quick):
    why = load.packages(PEERS, "botbuilder")
    if why is not None:
        print(f"\nskipped: teams: {why}")
        return
    bot, cloud = Side("bot"), Side("cloud")
    rows, least = [], []
    for connections, count in ((1, 5000), (16, 30000), (64, 40000)):
        count = count // 10 if quick else count
        pairs = [(ours(build, cloud, connections, count),
                  theirs(build, bot, connections, count // 2),
                  slack.limit(build, connections, count))
                 for _ in range(1 if quick else ROUNDS)]
        rows.append((connections, load.median([a for a, _, _ in pairs]),
                     load.median([b for _, b, _ in pairs])))
        least.append(load.median([c for _, _, c in pairs])["rate"] /
                     rows[-1][2]["rate"])
    bot.end()
    cloud.end()
    load.compare("Activities from Teams: JWT checked; bellhop's are durable "
                 "before the answer", ("bellhop", "botbuilder"), rows, WANTED,
                 "p99 ratio: wanted at most 0.33.  A program that only "
                 "appends what comes and syncs: " + ", ".join(
                     f"{x:.1f}" for x in least) + " times botbuilder")
