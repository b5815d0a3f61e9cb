# start.py - from exec to READY=1.
# SPDX-License-Identifier: Apache-2.0

import subprocess
import time

import house


def starts(build, state, rounds):
    """Seconds to ready and to the end, of each round."""
    ready, end = [], []
    for _ in range(rounds):
        bellhop = house.Bellhop(build, state)
        ready.append(bellhop.ready())
        end.append(bellhop.end())
    return ready, end


def programs(argv, rounds):
    took = []
    for _ in range(rounds):
        begin = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - begin)
    return took


def ms(seconds):
    return f"{seconds * 1000:.1f}"


def run(build, quick):
    rounds = 3 if quick else 20
    rows = [["", "median/ms", "least/ms", "most/ms", "end/ms"]]

    def row(name, ready, end=None):
        rows.append([name, ms(house.median(ready)), ms(min(ready)),
                     ms(max(ready)), ms(house.median(end)) if end else ""])

    row("another program (true)", programs(["true"], rounds))
    row("bellhop version", programs([build.bellhop, "version"], rounds))
    with house.State().demo() as state:
        row("first start, empty store", *starts(build, state, 1))
        row("all plugins", *starts(build, state, rounds))
        house.live_grants(state, 10000)
        row("all plugins, 10,000 live grants",
            *starts(build, state, max(3, rounds // 4)))
        bellhop = house.Bellhop(build, state)
        bellhop.ready()
        # It has them all: 50 are listed.
        house.type_and_wait(bellhop, "!access", "and 9950 more")
        bellhop.end()
    house.table(f"Start to READY=1 ({rounds} rounds); wanted: below 50 ms, "
                "with 10,000 grants below 5 s", rows)
