# lines.py - commands from a pipe, answered once their audit row is durable;
# beside Errbot, which keeps no audit, on the same lines.
# SPDX-License-Identifier: Apache-2.0

import os
import shutil
import subprocess
import threading
import time

import house

LINE = b"!hello Bob\n"
ANSWER = b"Hello, Bob!"
HERE = os.path.dirname(os.path.abspath(__file__))

CONF = """\
store: "sqlite:@STATE@/bellhop.db"
chat:
  acme:
    plugin: console
    me: ada
    room: "#payments"
    people:
      - { name: ada, display: Ada Lovelace, email: ada@acme.example }
access:
  - { commands: ["*"], who: [members] }
hello: { greeting: Hello }
# A person may not type that fast; here one does.
flood: "off"
"""

ERRBOT = """\
import logging
BACKEND = "Pipe"
BOT_DATA_DIR = "@STATE@/data"
BOT_EXTRA_BACKEND_DIR = "@HERE@/errbot"
BOT_EXTRA_PLUGIN_DIR = "@HERE@/errbot"
BOT_LOG_FILE = None
BOT_LOG_LEVEL = logging.CRITICAL
BOT_ADMINS = ("@ada",)
BOT_IDENTITY = {"username": "@errbot"}
CORE_PLUGINS = ("ACLs", "CommandNotFoundFilter", "Plugins")
BOT_PREFIX = "!"
"""


def feed(process, batch, count):
    """Types `count` lines, `batch` of them ahead of the answers; seconds
    from the first line to the last answer."""
    stdin, stdout = process.stdin, process.stdout
    room = threading.Semaphore(batch)

    def write():
        sent = 0
        while sent < count:
            n = 1
            room.acquire()
            while n < 256 and sent + n < count and room.acquire(False):
                n += 1
            stdin.write(LINE * n)
            stdin.flush()
            sent += n

    writer = threading.Thread(target=write, daemon=True)
    begin = time.perf_counter()
    writer.start()
    answered, rest = 0, b""
    while answered < count:
        # In whole blocks: a reader that goes line by line is itself slower
        # than what is measured.
        block = os.read(stdout.fileno(), 1 << 16)
        if not block:
            raise SystemExit(f"ended after {answered} of {count} answers")
        rest += block
        n = rest.count(ANSWER)
        if n:
            rest = rest[rest.rindex(ANSWER) + len(ANSWER):]
            answered += n
            room.release(n)
    took = time.perf_counter() - begin
    writer.join()
    return took


def bellhop_run(build, batch, count):
    with house.State() as state:
        state.write("bellhop.yaml", CONF.replace("@STATE@", state.path))
        bellhop = house.Bellhop(build, state)
        bellhop.ready()
        feed(bellhop.process, 1, 1)     # as below: both are warm
        took = feed(bellhop.process, batch, count)
        bellhop.end()
        # Each has its row, and the chain of them holds.
        shown = subprocess.run(
            [build.bellhop, "audit", "show", "--action", "command",
             "--text", "hello Bob", "--json", state.file("bellhop.db")],
            check=True, capture_output=True).stdout
        rows = shown.count(b"\n")
        subprocess.run([build.bellhop, "audit", "verify",
                        state.file("bellhop.db")], check=True,
                       stdout=subprocess.DEVNULL)
        if rows < count:
            raise SystemExit(f"{count} commands, but {rows} audit rows")
        return took


def errbot_run(batch, count, renders="yes"):
    with house.State() as state:
        os.mkdir(state.file("data"))
        state.write("config.py", ERRBOT.replace("@STATE@", state.path)
                    .replace("@HERE@", HERE))
        with open(state.file("log"), "wb") as log:
            process = subprocess.Popen(
                ["errbot", "-c", state.file("config.py")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1",
                         PIPE_RENDERS=renders))
        for line in process.stdout:
            if line.strip() == b"ready":
                break
        else:
            with open(state.file("log"), encoding="utf-8") as log:
                raise SystemExit("Errbot did not start:\n" + log.read())
        feed(process, 1, 1)             # so that all is loaded
        took = feed(process, batch, count)
        process.stdin.close()
        process.stdout.read()
        process.wait(house.PATIENCE)
        return took


def run(build, quick):
    other = shutil.which("errbot") is not None
    count = 500 if quick else 20000
    plan = [("all at once", count, count), ("100 ahead", 100, count),
            ("10 ahead", 10, count), ("one by one", 1, count // 20)]
    rows = [["", "lines", "bellhop/s", "Errbot/s", "ratio",
             "Errbot without rendering/s", "ratio"]]
    for name, batch, lines in plan:
        ours = lines / bellhop_run(build, batch, lines)
        row = [name, lines, f"{ours:,.0f}"]
        for renders in ("yes", "no"):
            if other:
                theirs = lines / errbot_run(batch, lines, renders)
                row += [f"{theirs:,.0f}", f"{ours / theirs:.1f}"]
            else:
                row += ["-", "-"]
        rows.append(row)
    house.table("Commands from a pipe, answered; bellhop's audit rows are "
                "durable before the answer; wanted: ten times Errbot", rows,
                None if other else
                "skipped: Errbot is not installed (Debian: errbot)")
