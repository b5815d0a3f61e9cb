# kept.py - acknowledged commands from a network that never sends again, beside
# the least that a commit for each costs.
# SPDX-License-Identifier: Apache-2.0

import os
import shutil
import subprocess

import commits
import house

CONF = """\
store: "sqlite:@STATE@/bellhop.db"
chat:
  acme: { plugin: keep, events: @EVENTS@, ahead: @AHEAD@ }
access:
  - { commands: ["*"], who: [members] }
quiet: {}
flood: "off"
"""


def plugins(build, state):
    """A directory with keep.so and quiet.so alone."""
    os.mkdir(state.file("plugins"), 0o700)
    for name in ("keep", "quiet"):
        path = os.path.join(build.path, "tests/bench/.libs", name + ".so")
        subprocess.run(["make", "-s", "-C", build.path,
                        f"tests/bench/{name}.la"], check=True,
                       stdout=subprocess.DEVNULL)
        shutil.copy(path, state.file("plugins"))
        os.chmod(state.file("plugins", name + ".so"), 0o700)
    return state.file("plugins")


def kept_run(build, ahead, count):
    with house.State() as state:
        state.write("bellhop.yaml", CONF.replace("@STATE@", state.path)
                    .replace("@EVENTS@", str(count))
                    .replace("@AHEAD@", str(ahead)))
        said = subprocess.run(
            [build.bellhop, "run", "--config", state.file("bellhop.yaml"),
             "--plugin-directory", plugins(build, state),
             "--log-level", "warning"], check=True,
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout
        events, ms = map(int, said.split())
        # Each has its row, the chain of them holds, and nothing is left.
        subprocess.run([build.bellhop, "audit", "verify",
                        state.file("bellhop.db")], check=True,
                       stdout=subprocess.DEVNULL)
        shown = subprocess.run(
            [build.bellhop, "audit", "show", "--action", "command", "--json",
             state.file("bellhop.db")], check=True,
            capture_output=True).stdout
        if shown.count(b"\n") < events:
            raise SystemExit(f"{events} commands, but fewer audit rows")
        return events * 1000 / max(ms, 1)


def run(build, quick):
    rows = [["under way", "limit: bare C/s", "bellhop/s", "share"]]
    for ahead, count in ((1, 1500), (16, 15000), (64, 30000), (256, 60000)):
        count = count // 10 if quick else count
        limit = house.median([commits.rate(build, "commit-limit", count,
                                           ahead, "kept")
                              for _ in range(3)])
        ours = house.median([kept_run(build, ahead, count)
                             for _ in range(3)])
        rows.append([ahead, f"{limit:,.0f}", f"{ours:,.0f}",
                     f"{ours / limit:.2f}"])
    house.table("Commands of a network that is told once that they are safe: "
                "kept, audited, carried out; beside the same rows without "
                "anything else", rows)
