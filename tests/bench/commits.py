# commits.py - the store's commits beside the least that SQLite needs for them.
# SPDX-License-Identifier: Apache-2.0

import os
import subprocess

import house


def rate(build, program, count, group, *more):
    path = os.path.join(build.path, program)
    if not os.access(path, os.X_OK):
        subprocess.run(["make", "-s", "-C", build.path, program], check=True,
                       stdout=subprocess.DEVNULL)
    with house.State() as state:
        return float(subprocess.run(
            [path, state.file("db"), str(count), str(group), *more],
            check=True,
            capture_output=True).stdout)


def run(build, quick):
    rows = [["commits at once", "limit: bare C/s", "store/s", "share"]]
    for group, count in ((1, 1000), (8, 8000), (64, 30000), (128, 60000),
                         (1000, 100000)):
        count = count // 10 if quick else count
        limit = house.median([rate(build, "commit-limit", count, group)
                              for _ in range(3)])
        ours = house.median([rate(build, "store-commits", count, group)
                             for _ in range(3)])
        rows.append([group, f"{limit:,.0f}", f"{ours:,.0f}",
                     f"{ours / limit:.2f}"])
    house.table("Durable commits, each with one row of the audit chain", rows)
