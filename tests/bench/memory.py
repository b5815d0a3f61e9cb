# memory.py - what an idle bellhop keeps in memory.
# SPDX-License-Identifier: Apache-2.0

import os
import re
import subprocess
import time

import house


def resident(pid):
    """VmRSS and Pss in MiB."""
    figures = {}
    for name in ("status", "smaps_rollup"):
        with open(f"/proc/{pid}/{name}", encoding="utf-8") as f:
            for line in f:
                words = line.split()
                if words[0] in ("VmRSS:", "Pss:", "Pss_Anon:"):
                    figures[words[0][:-1]] = int(words[1]) / 1024
    return figures


def idle(build, state, seconds):
    bellhop = house.Bellhop(build, state)
    bellhop.ready()
    time.sleep(seconds)
    figures = resident(bellhop.process.pid)
    bellhop.end()
    return figures


def elsewhere(build, state):
    """Takes the local AWS out of the configuration, into its own process."""
    port = state.file("port")
    sandbox = subprocess.Popen(
        [build.bellhop, "sandbox", "--plugin-directory", build.plugins,
         "--port-file", port], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    while not os.path.exists(port):
        time.sleep(0.02)
    with open(port, encoding="utf-8") as f:
        url = f"http://127.0.0.1:{f.read().strip()}"
    with open(state.file("bellhop.yaml"), encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"(?m)^aws-sandbox:.*\n(?:[ ].*\n)*", "", text)
    state.write("bellhop.yaml", text.replace("endpoint: sandbox/local",
                                             f'endpoint: "{url}"'))
    return sandbox


def run(build, quick):
    seconds = 1 if quick else 5
    rows = [["", "VmRSS/MiB", "Pss/MiB", "of it anonymous/MiB"]]
    with house.State().demo() as state:
        sandbox = elsewhere(build, state)
        figures = idle(build, state, seconds)
        sandbox.terminate()
        sandbox.wait()
        rows.append(["as deployed: AWS is elsewhere"] + [
            f"{figures[k]:.1f}" for k in ("VmRSS", "Pss", "Pss_Anon")])
    with house.State().demo() as state:
        for name in ("all plugins, first start", "all plugins",
                     "all plugins, 10,000 live grants"):
            if "10,000" in name:
                house.live_grants(state, 10000)
            figures = idle(build, state, seconds)
            rows.append([name] + [f"{figures[k]:.1f}" for k in
                                  ("VmRSS", "Pss", "Pss_Anon")])
    house.table(f"Memory, {seconds} s after it was ready; wanted: at most "
                "15 MiB without grants", rows)
