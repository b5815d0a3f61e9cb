# slack.py - signed slash commands: bellhop, Bolt with and without a disk, and the least that is possible.
# SPDX-License-Identifier: Apache-2.0

import http.server
import json
import os
import shutil
import subprocess
import threading
import time

import house
import load

ROUNDS = 3
SECRET = "0123456789abcdef0123456789abcdef"
BENCH = os.path.join(house.TOP, "tests", "bench", "slack")
PEERS = os.path.join(house.TOP, "tests", "peers", "slack")
# connections: times durable Bolt
WANTED = {1: 2, 16: 3.5, 64: 5}

CONF = """\
store: "sqlite:@STATE@/bellhop.db"
listen: 127.0.0.1:0
flood: "off"
chat:
  acme:
    plugin: slack
    mode: http
    bot-token: file:@STATE@/token
    signing-secret: file:@STATE@/secret
    api-url: "http://127.0.0.1:@PORT@/api/"
    commands: [note]
access:
  - { commands: ["*"], who: [everyone] }
"""

HEAD = """\
POST @PATH@ HTTP/1.1
Host: 127.0.0.1
Content-Type: application/x-www-form-urlencoded
X-Slack-Request-Timestamp: {{time}}
X-Slack-Signature: {{sig}}
""".replace("\n", "\r\n")

BODY = ("token=legacy&team_id=T0ACME&team_domain=acme&channel_id=C0PAYMENTS&"
        "channel_name=payments&user_id=U0{{conn}}&user_name=p{{conn}}&"
        "command=%2Fnote&text=the+settlement+job+is+stuck+again&"
        "api_app_id=A0BELLHOP&is_enterprise_install=false&response_url="
        "https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT0ACME%2F{{id}}%2Fabc&"
        "trigger_id={{id}}.1234.abcdef")


class WebApi(http.server.BaseHTTPRequestHandler):
    """As much of Slack as bellhop asks here: who it is and who others are."""
    protocol_version = "HTTP/1.1"
    asked_about = set()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        method = self.path.rsplit("/", 1)[1]
        user = body.split("user=")[-1].split("&")[0]
        answer = {"ok": True}
        if method == "auth.test":
            answer |= {"team_id": "T0ACME", "user_id": "U0BOT",
                       "bot_id": "B0BOT", "app_id": "A0BELLHOP"}
        elif method == "users.info":
            self.asked_about.add(user)
            answer["user"] = {
                "id": user, "team_id": "T0ACME", "real_name": user,
                "profile": {"real_name": user,
                            "email": f"{user.lower()}@acme.example"}}
        elif method == "conversations.info":
            answer["channel"] = {"id": "C0PAYMENTS", "name": "payments",
                                 "is_channel": True, "is_member": True}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def plugins(build, state):
    """A directory with slack.so and quiet.so alone."""
    subprocess.run(["make", "-s", "-C", build.path, "tests/bench/quiet.la"],
                   check=True, stdout=subprocess.DEVNULL)
    os.mkdir(state.file("plugins"), 0o700)
    for name in (os.path.join(build.plugins, "slack.so"),
                 os.path.join(build.path, "tests", "bench", ".libs",
                              "quiet.so")):
        shutil.copy(name, state.file("plugins"))
        os.chmod(state.file("plugins", os.path.basename(name)), 0o600)


def send(build, state, port, path, connections, count):
    return load.run(build, state, port, HEAD.replace("@PATH@", path), BODY,
                    connections, count, "-k", SECRET)


def get_known(build, state, port, connections):
    """Lets everybody say something and waits until Slack was asked about them:
    who is unknown would have to wait for that, and be told so."""
    WebApi.asked_about.clear()
    send(build, state, port, "/slack/acme", connections, connections)
    for _ in range(600):
        if len(WebApi.asked_about) >= connections:
            return time.sleep(0.2)
        time.sleep(0.05)
    raise SystemExit("Slack is not asked about everybody")


def ours(build, connections, count):
    api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WebApi)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    with house.State() as state:
        conf = CONF.replace("@STATE@", state.path).replace(
            "@PORT@", str(api.server_address[1]))
        state.write("bellhop.yaml", conf + "quiet: {}\n")
        state.write("secret", SECRET)
        state.write("token", "xoxb-bench")
        plugins(build, state)
        fitted = house.Build(build.path)
        fitted.plugins = state.file("plugins")
        bellhop = house.Bellhop(fitted, state, level="note")
        bellhop.ready()
        port = load.port_of(bellhop)
        load.until_taken(port, "/slack/acme")
        get_known(build, state, port, connections)
        result = send(build, state, port, "/slack/acme", connections, count)
        bellhop.end()
    api.shutdown()
    return result


def another(build, argv, path, connections, count):
    """A program that says where it listens, fed with the same."""
    with house.State() as state:
        process = subprocess.Popen(
            [a.replace("@STATE@", state.path) for a in argv],
            stdout=subprocess.PIPE, text=True)
        port = int(process.stdout.readline().split()[-1])
        result = send(build, state, port, path, connections, count)
        process.kill()
        process.wait()
        return result


def limit(build, connections, count):
    """The least that is possible (slack/limit.c)."""
    subprocess.run(["make", "-s", "-C", build.path, "slack-limit"], check=True,
                   stdout=subprocess.DEVNULL)
    program = os.path.join(build.path, "slack-limit")
    return another(build, [program, "@STATE@/kept", SECRET], "/", connections,
                   count)


def show(rows):
    heads = ["connections", "bellhop/s", "p50", "p99", "durable Bolt/s", "p99",
             "ratio", "wanted", "p99 ratio", "Bolt/s", "ratio", "limit/s",
             "share"]
    lines = [heads]
    for connections, mine, durable, bolt, limit in rows:
        lines.append([
            connections, f"{mine['rate']:,.0f}", f"{mine['p50']:.2f} ms",
            f"{mine['p99']:.2f} ms", f"{durable['rate']:,.0f}",
            f"{durable['p99']:.2f} ms",
            f"{mine['rate'] / durable['rate']:.1f}", WANTED[connections],
            f"{mine['p99'] / durable['p99']:.2f}", f"{bolt['rate']:,.0f}",
            f"{mine['rate'] / bolt['rate']:.1f}", f"{limit['rate']:,.0f}",
            f"{mine['rate'] / limit['rate']:.2f}"])
    house.table("Signed slash commands, durable before they are acknowledged",
                lines, "p99 ratio: wanted at most 0.33; share of the limit: "
                "at least 0.50; ahead of Bolt as it comes at 16 and 64")


def run(build, quick):
    why = load.packages(PEERS, os.path.join("@slack", "bolt"))
    if why is not None:
        print(f"\nskipped: slack: {why}")
        return
    bolt = ["node", os.path.join(BENCH, "bolt.mjs"), SECRET]
    sides = (bolt + ["@STATE@/kept"], bolt)
    rows = []
    for connections, count in ((1, 10000), (16, 60000), (64, 100000)):
        count = count // 10 if quick else count
        rounds = [[ours(build, connections, count)] +
                  [another(build, argv, "/slack/events", connections,
                           count // 4) for argv in sides] +
                  [limit(build, connections, count)]
                  for _ in range(1 if quick else ROUNDS)]
        rows.append([connections] + [load.median(list(side))
                                     for side in zip(*rounds)])
    show(rows)
