# load.py - drives http-load, the generator that both sides get their requests from.
# SPDX-License-Identifier: Apache-2.0

import http.client
import json
import os
import shutil
import subprocess
import time

import house


def program(build):
    """The path of http-load, built if need be."""
    path = os.path.join(build.path, "http-load")
    if not os.access(path, os.X_OK):
        subprocess.run(["make", "-s", "-C", build.path, "http-load"],
                       check=True, stdout=subprocess.DEVNULL)
    return path


def packages(peers, one):
    """None when the folder of peers has its packages, or why not."""
    if shutil.which("node") is None:
        return "no node"
    if os.path.exists(os.path.join(peers, "node_modules", one)):
        return None
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=peers,
                          capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip()


def port_of(bellhop):
    """As it says in its log."""
    for line in bellhop.said().splitlines():
        if "listening on" in line:
            return int(line.split(" port ")[1].split()[0].strip('",}'))
    raise SystemExit("bellhop does not say where it listens:\n" +
                     bellhop.said())


def until_taken(port, path):
    """Waits until deliveries are looked at: 401 for one that is not signed,
    and no longer 503 or 404."""
    for _ in range(600):
        c = http.client.HTTPConnection("127.0.0.1", port)
        c.request("POST", path, "x")
        if c.getresponse().status == 401:
            return
        time.sleep(0.05)
    raise SystemExit(f"nobody takes what comes to {path}")


def run(build, state, port, head, body, connections, count, *more):
    """Sends; gives what http-load prints.  All must be answered 200."""
    state.write("head", head)
    state.write("body", body)
    done = subprocess.run(
        [program(build), "-c", str(connections), "-n", str(count), "-w",
         str(count // 5), *more, str(port), state.file("head"),
         state.file("body")], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"http-load: {done.stderr}")
    result = json.loads(done.stdout)
    if set(result["status"]) != {"200"}:
        raise SystemExit(f"not all was answered 200: {result}")
    return result


def median(results):
    """Of several runs, the one with the median rate."""
    return sorted(results, key=lambda r: r["rate"])[len(results) // 2]


def compare(title, names, rows, wanted, note=None):
    """rows: (connections, ours, theirs), each a result of run()."""
    ours, theirs = names
    table = [["connections", f"{ours}/s", "p50", "p99", f"{theirs}/s", "p50",
              "p99", "rate", "wanted", "p99 ratio"]]
    for connections, a, b in rows:
        table.append([connections, f"{a['rate']:,.0f}", f"{a['p50']:.2f} ms",
                      f"{a['p99']:.2f} ms", f"{b['rate']:,.0f}",
                      f"{b['p50']:.2f} ms", f"{b['p99']:.2f} ms",
                      f"{a['rate'] / b['rate']:.1f}",
                      wanted.get(connections, "-"),
                      f"{a['p99'] / b['p99']:.2f}"])
    house.table(title, table, note)
