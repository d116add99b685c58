import time
import unittest

from support import Worker


class Jobs(unittest.TestCase):
    def test_arguments_are_checked_and_the_run_is_known(self):
        source = """
            from datetime import datetime
            from typing import Optional
            import weir

            @weir.job
            def topics(n: int = 20, since: Optional[datetime] = None) -> dict:
                run = weir.current_job()
                return {"n": n, "since": since, "run": [run.job_id, run.token, run.attempt]}
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            args = {"n": 5, "since": "2026-11-24T03:00:00Z"}
            result = worker.result("run_job", job="topics", args=args, job_id="j", token=41, attempt=2)
            self.assertEqual(result, {"n": 5, "since": "2026-11-24T03:00:00+00:00", "run": ["j", 41, 2]})
            error = worker.error("run_job", job="topics", args={"n": "five"})
            self.assertEqual((error["code"], error["data"]), (-32602, {"path": "args.n"}))
            self.assertEqual(worker.error("run_job", job="topics", args={"m": 1})["data"]["path"], "args.m")
            self.assertEqual(worker.error("run_job", job="nobody", args={})["code"], -32001)

    def test_a_job_says_whether_and_when_it_is_tried_again(self):
        source = """
            import weir

            @weir.job(retries=3, retry_for=(ConnectionError,))
            def flaky(how: str) -> None:
                if how == "later":
                    raise weir.Retry(after=2.5)
                if how == "again":
                    raise weir.Retry
                raise {"net": ConnectionResetError, "bug": KeyError}[how]("secret")
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            told = {}
            for how in ("later", "again", "net", "bug"):
                error = worker.error("run_job", job="flaky", args={"how": how})
                self.assertEqual((error["code"], error["data"]["file"]), (-32000, "mine.py"))
                self.assertNotIn("secret", str(error))
                told[how] = {key: error["data"].get(key) for key in ("type", "retry", "retry_after_ms")}
            self.assertEqual(told["later"], {"type": "Retry", "retry": None, "retry_after_ms": 2500})
            self.assertEqual(told["again"], {"type": "Retry", "retry": None, "retry_after_ms": None})
            self.assertEqual(told["net"], {"type": "ConnectionResetError", "retry": None, "retry_after_ms": None})
            self.assertEqual(told["bug"], {"type": "KeyError", "retry": False, "retry_after_ms": None})

    def test_progress_is_sent_with_the_request_but_not_too_often(self):
        source = """
            import weir

            @weir.job
            def steps() -> None:
                for step in range(100_000):
                    weir.progress(step, step)
                weir.progress(100_000, 100_000)
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            request = worker.send("run_job", job="steps", args={})
            self.assertIsNone(worker.response(request)["result"])
            sent = [n["params"] for n in worker.notifications]
            self.assertEqual(sent[0], {"id": request, "done": 0, "total": 0})
            self.assertEqual(sent[-1], {"id": request, "done": 100_000, "total": 100_000})
            self.assertLess(len(sent), 100)

    def test_threads_of_a_job_report_and_are_cancelled_with_it(self):
        source = """
            import threading, time
            import weir

            @weir.job
            def threaded() -> list:
                seen = []
                def work():
                    weir.progress(1, 1)
                    while not weir.cancelled():
                        time.sleep(0.01)
                    seen.append(weir.current_job().job_id)
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()
                return seen
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            request = worker.send("run_job", job="threaded", args={}, job_id="j")
            self.assertEqual(worker.message()["method"], "progress")
            worker.notify("cancel", id=request)
            self.assertEqual(worker.response(request)["result"], ["j"])

    def test_a_cancelled_job_ends(self):
        source = """
            import asyncio, time
            import weir

            @weir.job
            def heeds() -> str:
                weir.progress(0, 1)
                while not weir.cancelled():
                    time.sleep(0.01)
                raise weir.Cancelled

            @weir.job
            def answers() -> str:
                weir.progress(0, 1)
                while not weir.cancelled():
                    time.sleep(0.01)
                return "half"

            @weir.job
            async def sleeps() -> None:
                weir.progress(0, 1)
                await asyncio.sleep(60)
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            for name, expected in (("heeds", -32005), ("answers", "half"), ("sleeps", -32005)):
                request = worker.send("run_job", job=name, args={})
                self.assertEqual(worker.message()["method"], "progress")
                worker.notify("cancel", id=request)
                answer = worker.response(request, timeout=5)
                self.assertEqual(answer.get("result") or answer["error"]["code"], expected)
            # Of a request that has ended, or never was, it means nothing.
            worker.notify("cancel", id=request)
            worker.notify("cancel", id=999)
            worker.notify("cancel", id=[])
            worker.notify("cancel")
            self.assertEqual(worker.error("run_job", job="nobody")["code"], -32001)

    def test_a_request_is_cancelled_also_before_it_begins(self):
        source = """
            import time
            import weir

            @weir.job
            def waits(seconds: float) -> bool:
                time.sleep(seconds)
                return weir.cancelled()
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            first = worker.send("run_job", job="waits", args={"seconds": 0.3})
            second = worker.send("run_job", job="waits", args={"seconds": 0})
            worker.notify("cancel", id=second)
            self.assertIs(worker.response(first)["result"], False)
            self.assertIs(worker.response(second)["result"], True)

    def test_results_are_any_json_and_nothing_else(self):
        source = """
            from typing import Any
            import weir

            class Array:
                def tolist(self):
                    return [1, 2]

            class Model:
                def model_dump(self, mode):
                    return {"a": 1}

            @weir.job
            async def gives(what: str) -> Any:
                circle = []
                circle.append(circle)
                deep = []
                for _ in range(100_000):
                    deep = [deep]
                return {"array": Array(), "model": [Model()], "set": {1}, "object": object(), "circle": circle, "deep": deep,
                        "huge": "x" * (17 << 20), "text": "\\ud83d"}[what]
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            for what, expected in (("array", [1, 2]), ("model", [{"a": 1}]), ("set", [1]), ("text", "?")):
                self.assertEqual(worker.result("run_job", job="gives", args={"what": what}), expected)
            for what in ("object", "circle", "deep", "huge"):
                self.assertEqual(worker.error("run_job", job="gives", args={"what": what})["code"], -32003)

    def test_a_time_limit_by_signal_ends_the_process(self):
        source = """
            import time
            import weir

            @weir.job
            def stuck() -> None:
                weir.progress(0, 1)
                time.sleep(60)
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            worker.send("run_job", job="stuck", args={})
            worker.message()
            started = time.monotonic()
            worker.process.terminate()
            worker.process.wait(5)
            self.assertLess(time.monotonic() - started, 2)


class Sources(unittest.TestCase):
    def test_a_page_is_what_is_yielded_and_the_cursor_what_is_returned(self):
        source = """
            import weir

            @weir.source
            def board(url: str, cursor=None, limit=10):
                after = cursor or 0
                for number in range(after, after + 2):
                    yield {"id": f"{url}:{number}"}
                return weir.More(after + 2) if after < 2 else after + 2

            @weir.source
            async def page(cursor=None):
                return weir.Page([{"id": "a"}], {"next": cursor}, more=True)

            @weir.source
            def wrong():
                yield "secret"

            @weir.source
            def nothing():
                return 5

            @weir.source
            def breaks():
                yield {"id": "a"}
                raise OSError("secret")
        """
        with Worker(source) as worker:
            worker.initialize(role="job")

            def fetch(name, cursor=None, **args):
                return worker.result("fetch", source=name, args=args, cursor=cursor, limit=100)

            first = fetch("board", url="b")
            self.assertEqual(first, {"posts": [{"id": "b:0"}, {"id": "b:1"}], "cursor": 2, "more": True})
            second = fetch("board", first["cursor"], url="b")
            self.assertEqual(second, {"posts": [{"id": "b:2"}, {"id": "b:3"}], "cursor": 4, "more": False})
            self.assertEqual(fetch("page", 7), {"posts": [{"id": "a"}], "cursor": {"next": 7}, "more": True})
            for name, code in (("wrong", -32000), ("nothing", -32003), ("breaks", -32000), ("nobody", -32001)):
                error = worker.error("fetch", source=name, args={}, cursor=None, limit=1)
                self.assertEqual(error["code"], code)
                self.assertNotIn("secret", str(error))
            self.assertEqual(worker.error("fetch", source="board", args={})["data"]["path"], "args.url")
            self.assertEqual(
                worker.error("fetch", source="board", args={"url": "b", "cursor": 1})["data"]["path"], "args.cursor"
            )


if __name__ == "__main__":
    unittest.main()
