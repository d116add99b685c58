import json
import os
import tempfile
import threading
import unittest
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

import support  # noqa: F401

import weir
from weir.endpoint import Endpoint


class Server:
    """An HTTP server that answers what it is told, in order, and keeps what it was sent."""

    def __init__(self, *answers):
        self.requests, answers = [], list(answers)
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                requests.append((self.command, self.path, json.loads(body or b"null"), dict(self.headers)))
                status, answer = answers.pop(0)
                sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def client(self):
        return weir.Client(self.url, key="k")


def environment(**variables):
    """The environment without anything of Weir but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WEIR")}
    return mock.patch.dict(os.environ, {**kept, **variables}, clear=True)


class Calls(unittest.TestCase):
    def test_a_feed_is_ranked(self):
        with Server((200, {"ranked_ids": ["b", "a"]})) as server:
            answer = server.client().rank({"items": []}, policy="my policy", explain=True, deadline=0.25)
        self.assertEqual(answer["ranked_ids"], ["b", "a"])
        method, path, body, headers = server.requests[0]
        self.assertEqual((method, path, body), ("POST", "/v1/rank?policy=my+policy&explain=true", {"items": []}))
        self.assertEqual((headers["Authorization"], headers["X-Deadline-Ms"]), ("Bearer k", "250"))

    def test_texts_are_scored(self):
        with Server((200, {"data": [{"item_id": "0", "scores": {"s": 1}}]})) as server:
            scored = server.client().score(["a", {"item_id": "x", "text": "b"}], ["s"], deadline=0.5)
        self.assertEqual(scored[0]["scores"], {"s": 1})
        self.assertEqual(
            server.requests[0][2],
            {
                "data": [{"item_id": "0", "text": "a"}, {"item_id": "x", "text": "b"}],
                "scorers": ["s"], "mode": "partial", "deadline_ms": 500,
            },
        )  # fmt: skip

    def test_a_job_is_enqueued_and_waited_for(self):
        with Server(
            (202, {"id": "j/1", "state": "queued"}),
            (200, {"state": "running"}),
            (200, {"state": "succeeded", "result": {"n": 5}}),
        ) as server:
            eta = datetime(2026, 11, 24, tzinfo=timezone.utc)
            job = server.client().enqueue("mine.topics", {"n": 5}, eta=eta, priority=3, then={"job": "prune_posts"})
            self.assertEqual(job.get(timeout=10), {"n": 5})
        self.assertEqual(
            server.requests[0][2],
            {
                "job": "mine.topics", "args": {"n": 5}, "eta": "2026-11-24T00:00:00+00:00",
                "priority": 3, "then": {"job": "prune_posts"},
            },
        )  # fmt: skip
        self.assertTrue(server.requests[1][1].startswith("/v1/jobs/j%2F1?wait_ms="))

    def test_a_job_that_failed_or_takes_long_raises(self):
        with Server(
            (200, {"state": "dead", "error": "ValueError at mine.py:3"}), (200, {"state": "running"})
        ) as server:
            job = server.client().job("j")
            with self.assertRaisesRegex(weir.JobFailed, "job j is dead: ValueError at mine.py:3"):
                job.get()
            with self.assertRaisesRegex(TimeoutError, "job j is running after 0 s"):
                job.get(timeout=0)

    def test_a_large_result_is_fetched(self):
        with Server((200, {"state": "succeeded"}), (200, [1, 2])) as server:
            self.assertEqual(server.client().job("j").get(), [1, 2])
        self.assertEqual(server.requests[1][1], "/v1/jobs/j/result")

    def test_a_job_is_enqueued_by_delay(self):
        @weir.job(name="delayed")
        def delayed(n: int, since: datetime) -> int:
            return n

        with Server((202, {"id": "j", "state": "queued"}), (202, {"id": "k", "state": "queued"})) as server:
            with mock.patch.object(weir.Client, "_default", server.client()), environment():
                self.assertEqual(delayed.delay(5, datetime(2026, 11, 24)).id, "j")
                with environment(WEIR_PROGRAM="mine"):
                    delayed.apply_async((5,), {"since": datetime(2026, 11, 24)}, countdown=1.5)
        self.assertEqual(
            server.requests[0][2], {"job": "test_client.delayed", "args": {"n": 5, "since": "2026-11-24T00:00:00"}}
        )
        self.assertEqual((server.requests[1][2]["job"], server.requests[1][2]["delay_ms"]), ("mine.delayed", 1500))
        self.assertEqual(delayed(5, datetime(2026, 11, 24)), 5)

    def test_results_and_schedules(self):
        with Server(
            (200, {"top": []}), (404, {"code": "not_found"}), (200, {"schedules": [{"name": "s"}]}), (200, {"id": "j"}),
            (202, {"jobs": [{"id": "a"}, {"id": "b"}]}), (200, {}), (200, {}), (200, {"state": "cancelled"}),
        ) as server:  # fmt: skip
            client = server.client()
            self.assertEqual(client.results("a:b"), {"top": []})
            self.assertIsNone(client.results("gone"))
            self.assertEqual(client.schedules(), [{"name": "s"}])
            self.assertEqual(client.run_schedule("s").id, "j")
            self.assertEqual([job.id for job in client.group([{"job": "x"}, {"job": "y"}])], ["a", "b"])
            client.job("j").cancel()
            client.job("j").retry()
            self.assertTrue(client.job("j").ready())
        self.assertEqual(
            [request[:2] for request in server.requests],
            [
                ("GET", "/v1/results/a%3Ab"), ("GET", "/v1/results/gone"), ("GET", "/v1/schedules"),
                ("POST", "/v1/schedules/s/run"), ("POST", "/v1/jobs"), ("DELETE", "/v1/jobs/j"),
                ("POST", "/v1/jobs/j/retry"), ("GET", "/v1/jobs/j"),
            ],
        )  # fmt: skip

    def test_a_refusal_has_its_code_and_path(self):
        problem = {"status": 400, "code": "invalid_request", "detail": "expected a number", "path": "args.k"}
        with Server((400, problem), (503, b"<html>"), (500, [])) as server:
            client = server.client()
            with self.assertRaisesRegex(weir.WeirError, "args.k: expected a number") as caught:
                client.enqueue("x")
            self.assertEqual((caught.exception.status, caught.exception.code), (400, "invalid_request"))
            for status in (503, 500):
                with self.assertRaisesRegex(weir.WeirError, str(status)):
                    client.enqueue("x")
        with self.assertRaisesRegex(weir.Unreachable, "no weir answers at"):
            client.enqueue("x")

    def test_a_missing_key_is_explained(self):
        with tempfile.TemporaryDirectory() as folder, Server((401, {"code": "unauthorized"})) as server:
            bind = server.url[len("http://") :]
            with environment(WEIR__SERVER__BIND=bind, WEIR__DATA_DIR=folder):
                with self.assertRaisesRegex(weir.WeirError, "needs a key, and none was found: .*admin.key"):
                    weir.Client().schedules()


class Locate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(os.path.join(self.folder, "data"))
        with open(os.path.join(self.folder, "data", "admin.key"), "w") as file:
            file.write("file-key\n")

    def config(self, text):
        path = os.path.join(self.folder, "weir.toml")
        with open(path, "w") as file:
            file.write(text)
        return path

    def locate(self, text="", **variables):
        with environment(WEIR_CONFIG=self.config(text), **variables):
            return Endpoint.locate()

    def test_the_configuration_names_address_and_key(self):
        data = os.path.join(self.folder, "data")
        endpoint = self.locate(f"data_dir = '{data}' # here\n[server]\nbind = \"0.0.0.0:9001\"\n[other]\nbind = 'x'\n")
        self.assertEqual((endpoint.url, endpoint.key), ("http://127.0.0.1:9001", "file-key"))
        endpoint = self.locate('server.bind = "[::]:9001"\n[auth]\nadmin = ["first", "second"]\n')
        self.assertEqual((endpoint.url, endpoint.key), ("http://[::1]:9001", "first"))
        endpoint = self.locate(WEIR__AUTH__ADMIN="a,b", WEIR__SERVER__BIND="10.0.0.5:80")
        self.assertEqual((endpoint.url, endpoint.key), ("http://10.0.0.5:80", "a"))

    def test_variables_come_before_the_configuration(self):
        endpoint = self.locate("[auth]\nadmin = 'c'", WEIR_URL="https://weir.example/", WEIR_KEY="k")
        self.assertEqual((endpoint.url, endpoint.key), ("https://weir.example", "k"))
        self.assertFalse(endpoint.is_local)

    def test_a_configured_key_is_sent_to_the_configured_address_only(self):
        configured = "[server]\nbind = '127.0.0.1:8001'\n[auth]\nadmin = 'c'"
        self.assertEqual(self.locate(configured, WEIR_URL="http://localhost:8001").key, "c")
        for url in ("http://weir.example:8001", "http://127.0.0.1:8002", "https://127.0.0.1:8001"):
            endpoint = self.locate(configured, WEIR_URL=url)
            self.assertIsNone(endpoint.key)
            self.assertIn("only for http://127.0.0.1:8001", endpoint.why_no_key)

    def test_a_configuration_that_cannot_be_read_matters_only_without_an_address(self):
        with environment(WEIR_CONFIG="/nowhere/weir.toml"):
            self.assertIn("/nowhere/weir.toml", Endpoint.locate("http://h").why_no_key)
            with self.assertRaises(FileNotFoundError):
                Endpoint.locate()

    def test_a_key_is_not_shown(self):
        self.assertNotIn("hunter2", repr(Endpoint("http://h", "hunter2")))

    def test_an_address_that_is_none_is_refused(self):
        for url in ("weir:8001", "ftp://h"):
            with self.assertRaises(ValueError):
                Endpoint.locate(url)
        with self.assertRaisesRegex(ValueError, "WEIR_URL"):
            self.locate("[server]\nbind = '127.0.0.1:0'")


if __name__ == "__main__":
    unittest.main()
