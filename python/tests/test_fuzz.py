import json
import os
import random
import unittest

from support import INITIALIZE, Worker

SOURCE = """
    import weir

    @weir.scorer(reads=["text", "session.user_id"])
    def length(items):
        return [len(text) for text in items.text]

    @weir.scorer(per="item")
    def each(item):
        return len(item.text)

    @weir.job
    def topics(n: int = 20) -> int:
        return n

    @weir.source
    def board(url: str, cursor=None):
        yield {"id": url}
"""
CASES = int(os.environ.get("WEIR_FUZZ_CASES", "100000"))
WORDS = [
    "jsonrpc", "2.0", "id", "method", "params", "score", "run_job", "fetch", "cancel", "initialize", "function", "items", "item",
    "text", "s", "sessions", "session", "survey", "outputs", "budget_ms", "job", "source", "args", "cursor", "limit", "length",
    "each", "topics", "board", "url", "user_id", "protocol", "role", "functions", "device", "n", "\ud83d", "", "a" * 300,
]  # fmt: skip


def resident_mib(pid):
    """Resident memory of a process, or `None` where /proc does not tell."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except OSError:
        return None


class Fuzz(unittest.TestCase):
    """Whatever is sent: each line that is answered gets one JSON-RPC message, and the process goes on."""

    def setUp(self):
        seed = int(os.environ.get("WEIR_FUZZ_SEED", random.randrange(1 << 32)))
        self.random = random.Random(seed)
        self.seed = f"WEIR_FUZZ_SEED={seed}"

    def value(self, depth=0):
        kind = self.random.randrange(10 if depth < 4 else 7)
        if kind < 3:
            return self.random.choice(WORDS)
        if kind < 7:
            return self.random.choice([None, True, False, 0, 1, -1, 2**70, 0.5, -1e300, float("nan"), float("inf")])
        size = self.random.randrange(5)
        if kind < 8:
            return [self.value(depth + 1) for _ in range(size)]
        return {self.random.choice(WORDS): self.value(depth + 1) for _ in range(size)}

    def request(self, number):
        """A request that is nearly right."""
        method = self.random.choice(["score", "run_job", "fetch", "score", "initialize", "nothing"])
        params = {
            "score": {
                "function": self.random.choice(["length", "each"]), "budget_ms": 100, "outputs": ["score"],
                "items": [{"item": {"text": "abc"}, "s": 0}], "sessions": [{"session": {"user_id": "u"}}],
            },
            "run_job": {"job": "topics", "args": {"n": 1}, "job_id": "j", "token": 1},
            "fetch": {"source": "board", "args": {"url": "u"}, "cursor": None, "limit": 1},
        }.get(method, dict(INITIALIZE))  # fmt: skip
        spoil = self.random.choice(list(params))
        if self.random.random() < 0.7:
            params[spoil] = self.value()
        else:
            del params[spoil]
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}

    def line(self, number):
        kind = self.random.randrange(10)
        if kind == 0:
            return self.random.randbytes(self.random.randrange(100)).replace(b"\n", b" ")
        if kind == 1:
            text = json.dumps(self.request(number)).encode()
            at = self.random.randrange(len(text))
            return text[:at] + self.random.randbytes(2).replace(b"\n", b" ") + text[at + self.random.randrange(3) :]
        if kind == 2:
            return b"[" * self.random.randrange(200_000) if self.random.random() < 0.02 else b"[[]"
        if kind < 5:
            return json.dumps(self.value()).encode()
        return json.dumps(self.request(number)).encode()

    def check(self, worker):
        """The process answers as ever; what it said before is well-formed."""
        end = worker.send("score", function="length", items=[{"item": {"text": "abc"}, "s": 0}], sessions=[{}])
        response = worker.response(end)
        self.assertEqual(response["result"]["columns"], {"score": [3]}, self.seed)
        for message in worker.notifications:
            if "method" in message:
                self.assertEqual(message["method"], "log", self.seed)
            else:
                self.assertEqual(len({"result", "error"} & set(message)), 1, self.seed)
                self.assertTrue({"id", "jsonrpc"} < set(message), self.seed)
        worker.notifications.clear()

    def test_random_lines_are_survived(self):
        with Worker(SOURCE) as worker:
            worker.initialize("length", "each")
            worker._next_id = 10**9
            sent, early = 0, None
            while sent < CASES:
                worker.write(b"\n".join(self.line(sent + number) for number in range(2, 102)) + b"\n")
                sent += 100
                self.check(worker)
                if sent == 1000:
                    early = resident_mib(worker.process.pid)
            if early is not None:
                self.assertLess(resident_mib(worker.process.pid) - early, 64, self.seed)

    def test_random_lines_before_initialize_are_survived(self):
        with Worker(SOURCE) as worker:
            for number in range(200):
                request = self.request(number + 2)
                if request["method"] != "initialize":
                    worker.write(json.dumps(request).encode() + b"\n")
                    self.assertIn(worker.message()["error"]["code"], (-32600, -32601))
            worker._next_id = 10**6
            worker.initialize("length")
            self.check(worker)

    def test_a_line_over_the_limit_ends_the_process(self):
        with Worker(SOURCE) as worker:
            worker.initialize("length")
            try:
                worker.write(b"x" * (16 * 1024 * 1024 + 1) + b"\n")
            except BrokenPipeError:
                pass
            self.assertEqual(worker.message()["error"]["code"], -32700)
            worker.process.wait(5)

    def test_a_line_of_just_the_limit_is_read(self):
        with Worker(SOURCE) as worker:
            worker.initialize("length")
            head, tail = (
                b'{"jsonrpc":"2.0","id":7,"method":"score","params":{"function":"length","items":[{"item":{"text":"',
                b'"}}]}}\n',
            )
            text = b"x" * (16 * 1024 * 1024 - len(head) - len(tail))
            worker.write(head + text + tail)
            # The session of the item is missing, but the line was read.
            self.assertIn("id", worker.response(7))


if __name__ == "__main__":
    unittest.main()
