# grants.py - many grants at once against the local AWS with AWS's quotas.
# SPDX-License-Identifier: Apache-2.0

import json
import os
import subprocess
import time
import urllib.request
from collections import Counter

import house

PEOPLE = 100

CONF = """\
store: "sqlite:@STATE@/bellhop.db"
chat:
  acme:
    plugin: console
    me: user-00001
    room: "#generated"
    people:
@PEOPLE@
access:
  - { commands: ["*"], who: [members] }
flood: "off"
aws-sso:
  main:
    region: eu-west-1
    endpoint: "@URL@"
    credentials: environment
    identity-mapping: { attribute: email }
    longest: 12h
    rules:
      - name: generated
        accounts: ["account-*"]
        access: ["Set-*"]
        may-ask: [everyone]
        approval: not-required
        longest: 8h
"""


class Sandbox:
    """"bellhop sandbox" in a process of its own, with AWS's real quotas: 20
    calls a second, bursts of 20, 15 assignments in progress."""

    def __init__(self, build, state, people):
        self.port_file = state.file("port")
        self.process = subprocess.Popen(
            [build.bellhop, "sandbox", "--plugin-directory", build.plugins,
             "--port-file", self.port_file, "--accounts", str(people),
             "--permission-sets", "2", "--users", str(people),
             "--set", "delay=3s", "--set", "jitter=0s"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begin = time.monotonic()
        while not (os.path.exists(self.port_file) and
                   os.path.getsize(self.port_file)):
            if time.monotonic() - begin > house.PATIENCE:
                raise SystemExit("the sandbox did not start")
            time.sleep(0.02)
        with open(self.port_file, encoding="ascii") as f:
            self.url = f"http://127.0.0.1:{f.read().strip()}"

    def get(self, what):
        with urllib.request.urlopen(f"{self.url}/_control/{what}") as answer:
            return json.load(answer)

    def last(self):
        return self.get("log?since=99999999999")["last"]

    def calls(self, since):
        """The sso-admin calls after `since`: (all, polls, throttled)."""
        log = self.get(f"log?since={since}")
        assert log["dropped"] == 0 or since > 0
        mine = [c for c in log["calls"] if c["service"].startswith("sso")]
        names = Counter(c["operation"] for c in mine)
        throttled = sum("Throttling" in c["outcome"] for c in mine)
        return names, throttled

    def end(self):
        self.process.terminate()
        self.process.wait()


def is_poll(name):
    return name.startswith("List") and name.endswith("Status") or \
        name.startswith("Describe") and name.endswith("Status")


def prepare(state, sandbox, people):
    list_of = "\n".join(
        f"      - {{ name: user-{i:05d}, display: User {i}, "
        f"email: user-{i:05d}@acme.example }}" for i in range(1, people + 1))
    state.write("bellhop.yaml", CONF.replace("@STATE@", state.path)
                .replace("@PEOPLE@", list_of).replace("@URL@", sandbox.url))


def wait_for(sandbox, holds, patience=120):
    """Polls the sandbox's list of assignments, which costs no quota."""
    begin = time.monotonic()
    while time.monotonic() - begin < patience:
        if holds(sandbox.get("assignments")["assignments"]):
            return True
        time.sleep(0.05)
    return False


def type_lines(bellhop, lines):
    bellhop.process.stdin.write("".join(line + "\n" for line in lines).encode())
    bellhop.process.stdin.flush()


def ask(i):
    return f"/as user-{i:05d}", \
        f"!elevate account-{i:04d} Set-001 --for 1h --reason benchmark"


def granted(bellhop, count):
    """Reads the console until that many cards said "granted until"; their
    ids."""
    seen = set()
    for line in bellhop.process.stdout:
        text = line.decode()
        if "granted until" in text:
            seen.add(text.split("granted until")[0].split()[-2])
            if len(seen) >= count:
                break
    return seen


def row(name, seconds, names, throttled, shown=True):
    polls = sum(n for op, n in names.items() if is_poll(op))
    total = sum(names.values())
    return [name, f"{seconds:.1f}", total, polls, total - polls, throttled]


def run(build, quick):
    people = 20 if quick else PEOPLE
    rows = [["", "seconds", "sso-admin calls", "of them polls", "others",
             "throttled"]]
    detail = None
    with house.State() as state:
        sandbox = Sandbox(build, state, people + 2)
        prepare(state, sandbox, people + 2)
        bellhop = house.Bellhop(build, state)
        bellhop.ready()
        # A directory is there once somebody can be asked about.
        type_lines(bellhop, ["/as user-00001"])
        time.sleep(12)

        def grants_at_aws(n):
            return lambda rows: sum(
                r["permission-set"] == "Set-001" for r in rows) >= n

        since, begin = sandbox.last(), time.monotonic()
        type_lines(bellhop, [line for i in range(1, people + 1)
                             for line in ask(i)])
        done = granted(bellhop, people)
        seconds = time.monotonic() - begin
        names, throttled = sandbox.calls(since)
        detail = ", ".join(f"{n} {op}" for op, n in names.most_common())
        if len(done) < people or not grants_at_aws(people)(
                sandbox.get("assignments")["assignments"]):
            raise SystemExit(f"only {len(done)} of {people} were granted:\n" +
                             bellhop.said())
        rows.append(row(f"{people} people ask at once", seconds, names,
                        throttled))
        time.sleep(2)

        since, begin = sandbox.last(), time.monotonic()
        type_lines(bellhop, ask(people + 1))
        card, = granted(bellhop, 1)
        seconds = time.monotonic() - begin
        time.sleep(1)
        rows.append(row("one more", seconds, *sandbox.calls(since)))

        since, begin = sandbox.last(), time.monotonic()
        type_lines(bellhop, [f"!revoke {card}"])
        if not wait_for(sandbox,
                        lambda rows: not grants_at_aws(people + 1)(rows), 20):
            raise SystemExit("never revoked:\n" + bellhop.said())
        seconds = time.monotonic() - begin
        time.sleep(4)
        rows.append(row("its revocation", seconds, *sandbox.calls(since)))
        bellhop.end()
        sandbox.end()
    house.table("Grants, each 3 s of work at AWS, against AWS's quotas (20 "
                "calls/s, 15 at work); wanted: 100 in 30 s with at most 320 "
                "calls and no throttling, one grant with 3 calls besides "
                "polls, a revocation with 2", rows, "the many: " + detail)
