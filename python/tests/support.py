"""Shared parts of the tests: the package on the path, and a process of a program to talk to."""

import faulthandler
import json
import os
import queue
import subprocess
import sys
import tempfile
import textwrap
import threading

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(PACKAGE)
sys.path.insert(0, PACKAGE)
# A test that hangs shows where, and ends. Long runs of random lines have the time that they need.
faulthandler.dump_traceback_later(600 + int(os.environ.get("WEIR_FUZZ_CASES", "0")) // 500, exit=True)

INITIALIZE = {"protocol": "weir-program/1", "role": "scorer", "functions": [], "device": None}


class Worker:
    """A process that `python -m weir.worker` runs, or another command, with a program in a folder of its own."""

    def __init__(self, source="", command=None, files=None, env=None, module=None):
        self.folder = tempfile.TemporaryDirectory()
        self.log_path = os.path.join(self.folder.name, "stderr.log")
        for name, text in {**(files or {}), "mine.py": source}.items():
            with open(os.path.join(self.folder.name, name), "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(text))
        self.log = open(self.log_path, "wb")
        target = ["-m", module] if module else ["mine.py"]
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "weir.worker", *target],
            cwd=self.folder.name,
            env={**os.environ, "PYTHONPATH": PACKAGE, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,
        )
        self.notifications = []
        self._lines = queue.Queue()
        self._next_id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()
        self.folder.cleanup()

    def write(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def send(self, method, **params):
        """Sends a request and returns its id."""
        self._next_id += 1
        message = {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}
        self.write(json.dumps(message).encode() + b"\n")
        return self._next_id

    def notify(self, method, **params):
        self.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode() + b"\n")

    def message(self, timeout=20):
        """The next message. A line that is none fails the test."""
        line = self._lines.get(timeout=timeout)
        if line is None:
            return None
        message = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
        assert message["jsonrpc"] == "2.0", line
        return message

    def response(self, request_id, timeout=20):
        """The response to a request; what comes before is kept in `notifications`."""
        while True:
            message = self.message(timeout)
            assert message is not None, "the process has ended: " + self.logged()
            if "method" not in message and message["id"] == request_id:
                return message
            self.notifications.append(message)

    def ask(self, method, **params):
        return self.response(self.send(method, **params))

    def result(self, method, **params):
        response = self.ask(method, **params)
        assert "error" not in response, response
        return response["result"]

    def error(self, method, **params):
        response = self.ask(method, **params)
        assert "result" not in response, response
        return response["error"]

    def initialize(self, *functions, **params):
        return self.result("initialize", **{**INITIALIZE, "functions": list(functions), **params})

    def score(self, function, *items, **params):
        """The result for texts, or for items."""
        sent = [{"item": {"text": item} if isinstance(item, str) else item, "s": 0} for item in items]
        given = {"function": function, "budget_ms": 1000, "items": sent, **params}
        return self.result("score", **given)

    def end(self, timeout=5):
        """Closes stdin and returns the exit status."""
        self.process.stdin.close()
        return self.process.wait(timeout)

    def logged(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_messages(self):
        return [n["params"]["message"] for n in self.notifications if n.get("method") == "log"]


def _no_constant(name):
    raise AssertionError(f"the line has the bare word {name}")
