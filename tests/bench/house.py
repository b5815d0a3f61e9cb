# house.py - starts bellhop for a measurement, and says when it is ready.
# SPDX-License-Identifier: Apache-2.0

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDSANDBOX000000001",
        "AWS_SECRET_ACCESS_KEY": "sandbox-secret-key"}
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PATIENCE = 60


def table(title, rows, note=None):
    """Prints rows (the first is the heading) in columns."""
    rows = [[str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())
    if note:
        print("  " + note)


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


class Build:
    """A built tree."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.bellhop = os.path.join(self.path, "bellhop")
        self.plugins = os.path.join(self.path, ".libs")
        if not os.access(self.bellhop, os.X_OK):
            raise SystemExit(f"{self.bellhop}: not there: run make first")

    def version(self):
        return subprocess.run([self.bellhop, "version"], check=True,
                              capture_output=True, text=True).stdout.split()[1]


class State:
    """A directory for one run: configuration, store, sockets."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="bellhop-bench-")

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.file(name)), mode=0o700,
                    exist_ok=True)
        with open(self.file(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.file(name), 0o600)

    def demo(self):
        """The demo's configuration: every plugin there is."""
        source = os.path.join(TOP, "conf", "demo")
        for name in ("bellhop.yaml", "team.d/payments.yaml",
                     "team.d/platform.yaml"):
            with open(os.path.join(source, name), encoding="utf-8") as f:
                self.write(name, f.read().replace("@STATE@", self.path))
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Bellhop:
    """A running bellhop; its standard input and output are pipes."""

    def __init__(self, build, state, level="warning"):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(state.file("notify"))
        self.socket.settimeout(PATIENCE)
        self.log = open(state.file("log"), "ab")
        argv = [build.bellhop, "run", "--config", state.file("bellhop.yaml"),
                "--plugin-directory", build.plugins, "--log-level", level]
        env = dict(os.environ, NOTIFY_SOCKET=state.file("notify"), **KEYS)
        self.begin = time.perf_counter()
        self.process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=self.log)
        self.state = state

    def ready(self):
        """Waits for READY=1; seconds since just before it was started."""
        while True:
            try:
                text = self.socket.recv(4096)
            except socket.timeout:
                self.kill()
                raise SystemExit("bellhop never got ready:\n" + self.said())
            if b"READY=1" in text.split(b"\n"):
                return time.perf_counter() - self.begin

    def said(self):
        with open(self.state.file("log"), encoding="utf-8") as f:
            return f.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """An orderly end; seconds it took."""
        begin = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.stdin.close()
        self.process.stdout.read()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.socket.close()
        self.log.close()
        os.unlink(self.state.file("notify"))
        if status != 0:
            raise SystemExit(f"bellhop ended with {status}:\n" + self.said())
        return time.perf_counter() - begin


def live_grants(state, count):
    """Puts that many live grants into a store that bellhop made: what it
    would have written for people who got access a minute ago, for longer
    than any run lasts."""
    import sqlite3
    db = sqlite3.connect(state.file("bellhop.db"))
    now = int(time.time() * 1000)
    end = now + 30 * 86400 * 1000
    grant, key, vote = [], [], []
    for i in range(count):
        account = f"{400000000000 + i % 500}"
        arn = f"arn:aws:sso:::permissionSet/ssoins-1/ps-{i // 500 % 40:016x}"
        who = f"9067f8e6d4-{i:08x}-0000-4000-8000-000000000000"
        name = f"Person Number {i}"
        grant.append((
            f"B{i:05d}", "main", "active", 0, 4, 1, f"p-{i}", name, who, name,
            account, f"account-{i % 500:04d}", arn, f"Set-{i // 500 % 40:03d}",
            "payments", "acme/#payments", f"PAY-{i} a reason of usual length",
            "", "prod", "p-0", "0" * 64, "", "", 1, 86400000, 3600000,
            now - 120000, now + 28800000, now - 60000, end, end, now - 90000,
            now - 60000, 0, 0, now - 60000))
        key.append((
            "main", account, arn, who, "idle", 0, 1, 1, 5, 1, 1, now - 80000,
            0, now - 80000 + 1200000, 0, 0, end + 86400000, now - 60000, 0,
            "", f"{i:08x}-0000-4000-8000-000000000000", now - 60000))
        vote.append(("main", f"B{i:05d}", "p-0", "u-0", "Grace Hopper",
                     now - 90000))
    with db:
        db.executemany(
            "INSERT INTO aws_sso_grant (id, instance, state, flags, version,"
            " epoch, person, person_name, principal, principal_name, account,"
            " account_name, permission_set, permission_set_name, team, place,"
            " reason, extends, rule, approvers, hash, outcome, by_name,"
            " needed, duration, session, created, lapses, start_at, end_at,"
            " fixed_end, decided, seen, gone, over_at, changed) VALUES ("
            + ", ".join("?" * 36) + ")", grant)
        db.executemany(
            "INSERT INTO aws_sso_key (instance, account, permission_set,"
            " principal, phase, op, seen, flags, version, epoch, attempt,"
            " signed_at, unknown_since, quarantine_until, delete_until,"
            " late_from, touched, seen_at, refused_at, refused, request_id,"
            " changed) VALUES (" + ", ".join("?" * 22) + ")", key)
        db.executemany(
            "INSERT INTO aws_sso_vote (instance, grant_id, person, principal,"
            " name, voted) VALUES (?, ?, ?, ?, ?, ?)", vote)
    db.close()


def type_and_wait(bellhop, text, until):
    """Types into the console; waits for a line of output that has `until`."""
    watchdog = threading.Timer(PATIENCE, bellhop.process.kill)
    watchdog.start()
    bellhop.process.stdin.write(text.encode() + b"\n")
    bellhop.process.stdin.flush()
    try:
        seen = b""
        for line in bellhop.process.stdout:
            seen += line
            if until.encode() in line:
                return line.decode()
    finally:
        watchdog.cancel()
    raise SystemExit(f"bellhop never said {until!r}, but:\n" +
                     seen.decode() + bellhop.said())
