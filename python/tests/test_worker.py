import os
import signal
import subprocess
import sys
import time
import unittest

from support import INITIALIZE, PACKAGE, Worker

LENGTH = """
    import weir

    @weir.scorer
    def length(items):
        return [len(text) for text in items.text]
"""


def wait_for(condition, seconds=10):
    """Polls until the condition holds and returns what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("the condition did not come true")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Life(unittest.TestCase):
    def test_initialize_announces_everything(self):
        source = """
            from typing import Optional
            import weir

            @weir.scorer(outputs=["civic", "bridging"], reads=["text", "session.platform"])
            class CivicTone:
                def setup(self, device): ...
                def score(self, items): ...

            @weir.job(retries=3, time_limit=1.5, result_key="topics", result_ttl=60)
            def topics(n: int = 20) -> dict: ...

            @weir.source
            def board(url: str, cursor=None, limit: Optional[int] = None): yield
        """
        with Worker(source) as worker:
            answer = worker.initialize()
        self.assertEqual(
            answer["scorers"],
            {"civic_tone": {"outputs": ["civic", "bridging"], "reads": ["text", "session.platform"]}},
        )
        self.assertEqual(
            {key: value for key, value in answer["jobs"]["topics"].items() if key != "schema"},
            {"retries": 3, "time_limit_ms": 1500, "result_key": "topics", "result_ttl_ms": 60000},
        )
        self.assertEqual(answer["sources"]["board"]["schema"]["required"], ["url"])
        self.assertEqual(list(answer["sources"]["board"]["schema"]["properties"]), ["url"])
        self.assertEqual((answer["protocol"], answer["name"], answer["concurrency"]), ("weir-program/1", "mine", 1))

    def test_the_version_changes_with_the_modules_beside_the_file(self):
        def version(source, **files):
            with Worker(source, files=files and {f"{name}.py": text for name, text in files.items()}) as worker:
                return worker.initialize()["version"]

        first = version(LENGTH)
        self.assertRegex(first, "^sha256:[0-9a-f]{64}$")
        self.assertEqual(first, version(LENGTH))
        self.assertNotEqual(first, version(LENGTH + "\n"))
        self.assertNotEqual(first, version(LENGTH, other="x = 1"))
        self.assertNotEqual(version(LENGTH, other="x = 2"), version(LENGTH, other="x = 1"))
        self.assertEqual(version(LENGTH + "\n    weir.set_version('model-3')"), "model-3")

    def test_models_are_loaded_once_with_the_device_and_only_those_asked_for(self):
        source = """
            import weir

            @weir.scorer
            class Big:
                def setup(self, device):
                    self.device = device
                    print("loading big")
                def score(self, items):
                    return [self.device] * len(items)

            @weir.scorer
            class Other:
                def setup(self):
                    print("loading other")
                def score(self, items):
                    return [0] * len(items)
        """
        with Worker(source) as worker:
            worker.initialize("big", device="cuda:1")
            self.assertEqual(worker.score("big", "a")["columns"], {"score": ["cuda:1"]})
            worker.score("big", "a")
            self.assertEqual(worker.logged(), "loading big\n")
            worker.score("other", "a")
            self.assertEqual(worker.logged(), "loading big\nloading other\n")

    def test_prints_of_python_and_c_do_not_reach_the_pipe(self):
        source = """
            import ctypes, os, subprocess, sys
            import weir

            def noise(where):
                print(where, "print")
                sys.stdout.write(where + " write\\n")
                sys.__stdout__.write(where + " dunder\\n")
                os.write(1, (where + " os.write\\n").encode())
                libc = ctypes.CDLL(None)
                libc.puts((where + " puts").encode())
                libc.fflush(None)
                subprocess.run(["echo", where, "echo"])

            noise("import")

            @weir.scorer
            def length(items):
                noise("score")
                assert sys.stdin.read() == ""
                assert subprocess.run(["cat"], stdout=subprocess.PIPE).stdout == b""
                return [len(text) for text in items.text]
        """
        with Worker(source) as worker:
            worker.initialize("length")
            self.assertEqual(worker.score("length", "abc")["columns"], {"score": [3]})
            self.assertEqual(worker.score("length", "ab")["columns"], {"score": [2]})
            self.assertEqual(worker.notifications, [])
            for way in ("print", "write", "dunder", "os.write", "puts", "echo"):
                self.assertIn(f"import {way}\n", worker.logged())
                self.assertEqual(worker.logged().count(f"score {way}\n"), 2)

    def test_a_flood_of_prints_is_no_answer_and_does_not_block(self):
        source = """
            import weir

            @weir.scorer
            def loud(items):
                for _ in range(2000):
                    print("x" * 1000)
                return [1]
        """
        with Worker(source) as worker:
            worker.initialize("loud")
            self.assertEqual(worker.score("loud", "a"), {"columns": {"score": [1]}})
            self.assertEqual(len(worker.logged()), 2000 * 1001)

    def test_the_process_ends_with_stdin_also_while_user_code_runs(self):
        source = """
            import threading, time
            import weir

            threading.Thread(target=time.sleep, args=(60,)).start()

            @weir.scorer
            def sleepy(items):
                time.sleep(60)
        """
        for busy in (False, True):
            with self.subTest(busy=busy), Worker(source) as worker:
                worker.initialize("sleepy")
                if busy:
                    worker.send("score", function="sleepy", items=[{"item": {"text": "a"}}])
                started = time.monotonic()
                self.assertEqual(worker.end(), 0)
                self.assertLess(time.monotonic() - started, 3)

    @unittest.skipUnless(os.path.exists("/proc/self/stat"), "needs /proc")
    def test_the_process_ends_when_weir_is_killed(self):
        parent = """
            import subprocess, sys, time
            child = subprocess.Popen([sys.executable, "-m", "weir.worker", "mine.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            print(child.pid, file=sys.stderr, flush=True)
            time.sleep(60)
        """
        with Worker(LENGTH, files={"parent.py": parent}, command=[sys.executable, "parent.py"]) as worker:
            pid = wait_for(lambda: int(worker.logged() or 0))
            worker.process.kill()
            self.assertTrue(wait_for(lambda: not is_alive(pid)))

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_forked_child_neither_answers_nor_holds_the_pipes(self):
        source = """
            import multiprocessing, os
            import weir

            def child(queue):
                try:
                    weir.progress(1, 2)
                    queue.put("spoke")
                except RuntimeError:
                    queue.put("silent")

            @weir.job
            def forks() -> str:
                context = multiprocessing.get_context("fork")
                queue = context.Queue()
                process = context.Process(target=child, args=(queue,))
                process.start()
                answer = queue.get()
                process.join()
                return answer

            @weir.job
            def leaves_a_child() -> int:
                pid = os.fork()
                if pid == 0:
                    import time
                    time.sleep(60)
                    os._exit(0)
                return pid
        """
        with Worker(source) as worker:
            worker.initialize(role="job")
            self.assertEqual(worker.result("run_job", job="forks", args={}), "silent")
            self.assertEqual(worker.notifications, [])
            child = worker.result("run_job", job="leaves_a_child", args={})
            try:
                self.assertEqual(worker.end(), 0)
                # The end of the pipe is seen although the child lives.
                self.assertIsNone(worker.message(timeout=5))
            finally:
                os.kill(child, signal.SIGKILL)

    def test_a_module_is_found_by_its_name(self):
        files = {"ranker.py": LENGTH, "helper.py": ""}
        with Worker("", files=files, module="ranker") as worker:
            answer = worker.initialize("length")
            self.assertEqual((answer["name"], list(answer["scorers"])), ("ranker", ["length"]))

    def test_a_file_can_be_started_by_itself(self):
        source = (
            LENGTH
            + """
    if __name__ == "__main__":
        weir.run()
"""
        )
        for command in (None, [sys.executable, "mine.py"]):
            with self.subTest(command=command), Worker(source, command=command) as worker:
                self.assertEqual(worker.initialize("length")["name"], "mine")
                self.assertEqual(worker.score("length", "abc")["columns"], {"score": [3]})
                self.assertEqual(worker.end(), 0)

    def test_the_command_says_how_it_is_used(self):
        env = {**os.environ, "PYTHONPATH": PACKAGE}
        run = subprocess.run([sys.executable, "-m", "weir.worker"], env=env, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"usage: python -m weir.worker FILE | -m MODULE", run.stderr)
        self.assertNotIn(b"Warning", run.stderr)


class LoadingFailures(unittest.TestCase):
    def refused(self, source, *functions, **params):
        with Worker(source) as worker:
            error = worker.error("initialize", **{**INITIALIZE, "functions": list(functions), **params})
            self.assertEqual(worker.process.wait(5), 1)
            return error

    def test_a_file_that_cannot_be_imported_is_named_with_its_line(self):
        error = self.refused("import weir\nimport no_such_module\n")
        self.assertEqual(error["code"], -32002)
        self.assertEqual(error["data"], {"type": "ModuleNotFoundError", "file": "mine.py", "line": 2})
        self.assertIn("No module named 'no_such_module'", error["message"])
        error = self.refused("import weir\n\ndef broken(:\n")
        self.assertEqual((error["data"]["type"], error["data"]["line"]), ("SyntaxError", 3))

    def test_a_program_that_exits_while_it_is_imported_says_so(self):
        self.assertEqual(self.refused("raise SystemExit(3)")["data"]["type"], "SystemExit")

    def test_a_model_that_cannot_be_loaded_is_named_with_its_line(self):
        source = """
            import weir

            @weir.scorer
            class Big:
                def setup(self, device):
                    raise OSError("no weights")
                def score(self, items): ...
        """
        error = self.refused(source, "big")
        self.assertEqual(error["data"], {"type": "OSError", "file": "mine.py", "line": 7})
        self.assertIn("no weights", error["message"])

    def test_a_missing_function_is_answered_with_those_that_there_are(self):
        error = self.refused(LENGTH, "lenght")
        self.assertEqual(error["code"], -32001)
        self.assertEqual(error["data"], {"function": "lenght", "known": ["length"]})
        self.assertIn("this program has length", error["message"])

    def test_a_missing_file_is_named(self):
        with Worker(command=[sys.executable, "-m", "weir.worker", "gone.py"]) as worker:
            error = worker.error("initialize", **INITIALIZE)
            self.assertIn("there is no file gone.py", error["message"])

    def test_another_protocol_version_is_refused(self):
        error = self.refused(LENGTH, protocol="weir-program/2")
        self.assertEqual((error["code"], error["data"]), (-32004, {"supported": ["weir-program/1"]}))

    def test_definitions_that_make_no_sense_are_refused(self):
        for line, said in (
            ("@weir.scorer(outputs=['above'])\ndef f(items): ...", "cannot be called 'above'"),
            ("@weir.scorer(outputs='civic')\ndef f(items): ...", "lists of names"),
            ("@weir.scorer(outputs=[])\ndef f(items): ...", "at least one output"),
            ("@weir.scorer(reads=['txt'])\ndef f(items): ...", "cannot read 'txt'"),
            ("@weir.scorer(per='items')\ndef f(items): ...", "per is"),
            ("@weir.scorer(concurrency=0)\ndef f(items): ...", "concurrency"),
            ("@weir.scorer(name='a.b')\ndef f(items): ...", "no name of a scorer"),
            ("@weir.scorer\nclass F: ...", "has no method score"),
            ("@weir.job\ndef f(*args): ...", "sent by name"),
            ("@weir.job\ndef f(n: bytes): ...", "is not supported"),
            ("@weir.source\nasync def f(): yield", "async generator"),
            ("@weir.job\ndef f(): ...\ng = f\n@weir.job(name='f')\ndef h(): ...", "two jobs called 'f'"),
        ):
            with self.subTest(said):
                error = self.refused(f"import weir\n{line}\n")
                self.assertEqual(error["data"]["type"], "DefinitionError")
                self.assertIn(said, error["message"])


if __name__ == "__main__":
    unittest.main()
