import time
import unittest

from support import Worker


class Scoring(unittest.TestCase):
    def test_outputs_sessions_and_reads_reach_the_function(self):
        source = """
            import weir

            @weir.scorer(outputs=["length", "user"], reads=["text", "session.user_id", "survey"])
            def both(items):
                return {"length": [len(t) for t in items.text], "user": [i.session.user_id + i.survey["age"] for i in items]}
        """
        with Worker(source) as worker:
            worker.initialize("both")
            sessions = [
                {"session": {"user_id": "u1"}, "survey": {"age": "a"}},
                {"session": {"user_id": "u2"}, "survey": {"age": "b"}},
            ]
            items = [{"item": {"text": "abc"}, "s": 1}, {"item": {"text": ""}, "s": 0}]
            answer = worker.result(
                "score", function="both", budget_ms=100, sessions=sessions, items=items, outputs=["user"]
            )
            self.assertEqual(answer, {"columns": {"user": ["u2b", "u1a"]}})
            self.assertEqual(
                worker.error("score", function="both", items=[{"item": {}, "s": 2}], sessions=sessions)["code"], -32602
            )
            self.assertEqual(
                worker.error("score", function="both", items=items, sessions=sessions, outputs=["x"])["code"], -32602
            )

    def test_one_item_that_fails_leaves_the_others(self):
        source = """
            import weir

            @weir.scorer(per="item")
            def picky(item):
                if item.text == "none":
                    return None
                if "bad" in item.text:
                    raise ValueError("cannot score " + item.text)
                return len(item.text)
        """
        with Worker(source) as worker:
            worker.initialize("picky")
            answer = worker.score("picky", "abc", "bad secret", "none")
            self.assertEqual(
                answer, {"columns": {"score": [3, None, None]}, "errors": {"1": "ValueError at mine.py:9"}}
            )
            self.assertIn("cannot score bad secret", worker.log_messages()[0])
            error = worker.error("score", function="picky", items=[{"item": {"text": "bad secret"}}])
            self.assertEqual(error["data"], {"type": "ValueError", "file": "mine.py", "line": 9})
            self.assertNotIn("secret", str(error))

    def test_an_exception_is_told_by_type_and_place_alone(self):
        files = {
            "helper.py": """
                def fail(text):
                    raise LookupError(text)
            """
        }
        source = """
            import json
            import weir, helper

            @weir.scorer
            def deep(items):
                helper.fail(items.text[0])

            @weir.scorer
            def library(items):
                json.loads(items.text[0])

            @weir.scorer
            def leaves(items):
                raise SystemExit(items.text[0])

            @weir.scorer
            def recurses(items):
                return recurses(items)

            @weir.scorer
            def few(items):
                return []
        """
        with Worker(source, files=files) as worker:
            worker.initialize()
            for function, code, kind, file, line in (
                ("deep", -32000, "LookupError", "helper.py", 3),
                ("library", -32000, "JSONDecodeError", "mine.py", 11),
                ("leaves", -32000, "SystemExit", "mine.py", 15),
                ("recurses", -32000, "RecursionError", "mine.py", 19),
                ("few", -32003, "BadReturn", None, None),
            ):
                with self.subTest(function):
                    error = worker.error("score", function=function, items=[{"item": {"text": "secret"}}])
                    self.assertEqual((error["code"], error["data"]["type"]), (code, kind))
                    self.assertEqual((error["data"].get("file"), error["data"].get("line")), (file, line))
                    self.assertNotIn("secret", str(error))
            self.assertTrue(any("LookupError: secret" in text for text in worker.log_messages()))
            self.assertEqual(worker.error("score", function="nobody", items=[])["code"], -32001)

    def test_coroutines_are_awaited_and_items_of_them_side_by_side(self):
        source = """
            import asyncio
            import weir

            @weir.scorer(per="item")
            async def slow(item):
                await asyncio.sleep(0.2)
                if item.text == "bad":
                    raise ValueError
                return len(item.text)

            @weir.scorer
            class Service:
                async def setup(self, device):
                    self.loop = asyncio.get_running_loop()
                async def score(self, items):
                    assert asyncio.get_running_loop() is self.loop
                    return [1] * len(items)

            @weir.scorer
            def own_loop(items):
                return asyncio.run(inner(items))

            async def inner(items):
                return [2] * len(items)
        """
        with Worker(source) as worker:
            worker.initialize("slow", "service", "own_loop")
            started = time.monotonic()
            answer = worker.score("slow", *["abc"] * 20, "bad")
            self.assertLess(time.monotonic() - started, 2)
            self.assertEqual(answer["columns"]["score"], [3] * 20 + [None])
            self.assertEqual(answer["errors"], {"20": "ValueError at mine.py:9"})
            self.assertEqual(worker.score("service", "a")["columns"], {"score": [1]})
            self.assertEqual(worker.score("own_loop", "a")["columns"], {"score": [2]})

    def test_concurrency_allows_several_batches_in_flight(self):
        source = """
            import asyncio, threading, time
            import weir

            at_once = 0
            lock = threading.Lock()

            @weir.scorer(concurrency=4)
            async def service(items):
                await asyncio.sleep(0.3)
                return [1]

            @weir.scorer(concurrency=4)
            def threads(items):
                time.sleep(0.3)
                return [1]

            @weir.scorer
            def alone(items):
                global at_once
                at_once += 1
                assert at_once == 1
                time.sleep(0.05)
                at_once -= 1
                return [1]
        """
        with Worker(source) as worker:
            self.assertEqual(worker.initialize("service", "threads", "alone")["concurrency"], 4)
            for function, longest in (("service", 1.0), ("threads", 1.0), ("alone", 3.0)):
                started = time.monotonic()
                ids = [worker.send("score", function=function, items=[{"item": {"text": ""}}]) for _ in range(4)]
                answers = {}
                while len(answers) < 4:
                    message = worker.message()
                    answers[message["id"]] = message.get("result")
                self.assertEqual(answers, {i: {"columns": {"score": [1]}} for i in ids})
                self.assertLess(time.monotonic() - started, longest)

    def test_a_cancelled_or_late_batch_is_seen_by_the_function(self):
        source = """
            import time
            import weir

            @weir.scorer
            def patient(items):
                while not weir.cancelled():
                    time.sleep(0.01)
                return [1]

            @weir.scorer
            async def forever(items):
                import asyncio
                await asyncio.sleep(60)
        """
        with Worker(source) as worker:
            worker.initialize("patient", "forever")
            request = worker.send("score", function="patient", budget_ms=60000, items=[{"item": {}}])
            worker.notify("cancel", id=request)
            self.assertEqual(worker.response(request)["result"], {"columns": {"score": [1]}})
            self.assertEqual(worker.score("patient", "a", budget_ms=50), {"columns": {"score": [1]}})
            request = worker.send("score", function="forever", budget_ms=60000, items=[{"item": {}}])
            worker.notify("cancel", id=request)
            self.assertEqual(worker.response(request)["error"]["code"], -32005)

    def test_results_that_are_no_unicode_or_too_long_do_not_break_the_pipe(self):
        source = """
            import weir

            @weir.scorer
            def half(items):
                return ["\\ud83d"]

            @weir.scorer
            def huge(items):
                return ["x" * (17 << 20)]
        """
        with Worker(source) as worker:
            worker.initialize("half", "huge")
            self.assertEqual(worker.score("half", "a")["columns"], {"score": ["?"]})
            self.assertEqual(worker.error("score", function="huge", items=[{"item": {"text": ""}}])["code"], -32003)
            self.assertEqual(worker.score("half", "a")["columns"], {"score": ["?"]})


if __name__ == "__main__":
    unittest.main()
