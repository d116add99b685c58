"""Programs in figures: a constant, VADER in four ways, kills under load, a leak, and `order` beside `weights`.

usage: python benches/programs.py WEIR [section ...]; WEIR is the binary. Sections: constant vader kill leak order; all without any.
`vader` needs vaderSentiment, fastapi, uvicorn and celery[redis] beside the Python that runs this, and redis-server on PATH.
Serves on 127.0.0.1:8021 to 8024, and ends what it started. Each figure is the median of five runs, those compared in turn.
"""

import contextlib
import json
import multiprocessing
import os
import queue
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROUNDS = 5
HERE = Path(__file__).resolve().parent
BASE = """
data_dir = "{folder}/data"
server.bind = "127.0.0.1:{port}"
database.url = "sqlite://{folder}/weir.db"
store.backend = "embedded"
log.filter = "error"
schedules.top_named_entities.enabled = false
ranking.policy = "{policy}"
ranking.deadline = "5s"
auth.admin = ["key"]
"""
PROGRAM = """
[programs.bench]
python = "{folder}/mine.py"
venv = "{venv}"
workers = 2
{keys}
[scorers.bench]
kind = "program"
program = "bench"
function = "score"
workers = 2
time_limit = "4s"
cache_entries = 0
[policies.bench]
entity_weight = 0.0
weights = {{ bench = 1.0 }}
"""
HTTP = """
[scorers.bench]
kind = "http"
workers = 2
time_limit = "4s"
cache_entries = 0
http.url = "http://127.0.0.1:8023/score"
[policies.bench]
entity_weight = 0.0
weights = {{ bench = 1.0 }}
"""
INCOMING = "[policies.bench]\nentity_weight = 0.0\n"
CONSTANT = """
import weir

@weir.scorer
def score(items):
    return [0.5] * len(items)
"""
LEAK = """
import weir

leaked = []

@weir.scorer
def score(items):
    leaked.append(bytearray(1_000_000))
    return [0.5] * len(items)
"""
VADER = """
import weir
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

analyzer = SentimentIntensityAnalyzer()

@weir.scorer(per="item")
def score(item):
    return analyzer.polarity_scores(item.text)["compound"]
"""
MODEL_SERVER = """
from fastapi import FastAPI
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

app = FastAPI()
analyzer = SentimentIntensityAnalyzer()

@app.post("/score")
def score(body: dict):
    return {"scores": [analyzer.polarity_scores(text)["compound"] for text in body["inputs"]]}
"""
TASKS = """
import os
from celery import Celery
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

app = Celery("tasks", broker=os.environ["BENCH_REDIS"], backend=os.environ["BENCH_REDIS"])
analyzer = SentimentIntensityAnalyzer()

@app.task
def score(text):
    return analyzer.polarity_scores(text)["compound"]
"""


@contextlib.contextmanager
def running(command, **options):
    """A process in a group of its own, which is ended."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def get(url, body=None):
    headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def until(what, holds):
    for _ in range(600):
        with contextlib.suppress(OSError, KeyError, ValueError):
            if holds():
                return
        time.sleep(0.1)
    sys.exit(f"{what} did not happen in a minute")


@contextlib.contextmanager
def server(weir, port, settings, code=None, policy="bench", **values):
    """A Weir with these settings, whose program serves."""
    with tempfile.TemporaryDirectory() as folder:
        text = BASE.format(folder=folder, port=port, policy=policy) + settings.format(folder=folder, venv=sys.prefix, **values)
        Path(folder, "weir.toml").write_text(text)
        if code:
            Path(folder, "mine.py").write_text(textwrap.dedent(code))
        with running([weir, "serve", "--config", f"{folder}/weir.toml"]) as process:
            url = f"http://127.0.0.1:{port}"
            until("the start", lambda: get(f"{url}/health/live") is not None)
            if code:
                is_serving = lambda it: it["name"] == "program.bench" and it["counters"]["serving"] > 0
                until("the program", lambda: any(map(is_serving, get(f"{url}/v1/actors")["actors"])))
            yield url, process


def bench(weir, url, requests, seed, *more):
    """The line over all platforms of a run of the load generator."""
    command = [weir, "bench", url, "--requests", str(requests), "--seed", str(seed), "--p95-ms", "60000", "--json", *more]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr or ran.stdout)
    total = next(line for line in json.loads(ran.stdout) if line["name"] == "all")
    if total["failed"]:
        sys.exit(f"{total['failed']} answers were wrong: {total['failures']}")
    return total


def report(name, runs):
    """Prints the medians of some runs and returns them."""
    medians = {key: statistics.median(run[key] for run in runs) for key in ("per_second", "p50_ms", "p99_ms")}
    degraded = sum(run["degraded"] for run in runs)
    print(
        f"{name}: {medians['per_second']:.0f} requests/s, p50 {medians['p50_ms']:.2f} ms, p99 {medians['p99_ms']:.2f} ms, "
        f"{degraded} degraded answers",
        flush=True,
    )
    return medians


def in_turn(weir, urls, requests, *more):
    """The medians of each server, by its name."""
    runs = {name: [] for name in urls}
    for seed in range(ROUNDS):
        for name, url in urls.items():
            runs[name].append(bench(weir, url, requests, seed, *more))
    return {name: report(name, those) for name, those in runs.items()}


def constant(weir):
    """What a program that returns a constant adds to the p50 of /rank with 100 posts, one request at a time."""
    with server(weir, 8021, INCOMING) as (without, _), server(weir, 8022, PROGRAM, CONSTANT, keys="") as (program, _):
        medians = in_turn(weir, {"incoming order": without, "a constant in Python": program}, 300, "--connections", "1")
        first, second = (each["p50_ms"] for each in medians.values())
        print(f"the constant adds {second - first:.2f} ms to the p50")


class Recorder(BaseHTTPRequestHandler):
    """Answers /rank with the incoming order and keeps the texts."""

    protocol_version = "HTTP/1.1"
    feeds = []

    def do_POST(self):
        feed = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.feeds.append([item["text"] for item in feed["items"]])
        answer = json.dumps({"ranked_ids": [item["id"] for item in feed["items"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def feeds_of_texts(weir, requests):
    """The texts that the load generator sends."""
    recorder = ThreadingHTTPServer(("127.0.0.1", 8024), Recorder)
    threading.Thread(target=recorder.serve_forever, daemon=True).start()
    bench(weir, "http://127.0.0.1:8024", requests, 0, "--connections", "4")
    recorder.shutdown()
    recorder.server_close()
    return Recorder.feeds


def bare(feeds):
    """The function alone, in one process."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    begun = time.perf_counter()
    for feed in feeds:
        for text in feed:
            analyzer.polarity_scores(text)
    return len(feeds) / (time.perf_counter() - begun)


@contextlib.contextmanager
def celery_workers():
    """Two processes of Celery, and its task `score`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vader_tasks.py").write_text(TASKS)
        redis = "redis://127.0.0.1:8025/0"
        os.environ["BENCH_REDIS"] = redis
        sys.path.insert(0, folder)
        redis_server = ["redis-server", "--port", "8025", "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        worker = [sys.executable, "-m", "celery", "-A", "vader_tasks", "worker", "--concurrency", "2", "--loglevel", "error"]
        with running(redis_server, stdout=subprocess.DEVNULL), running(worker, cwd=folder, stdout=subprocess.DEVNULL):
            import vader_tasks

            vader_tasks.score.delay("ready").get(timeout=60)
            yield vader_tasks.score


def celery_groups(score, feeds):
    """A group of tasks for each feed, four feeds at once, as the front of the challenge's example does it."""
    from celery import group

    times, waiting = [], queue.SimpleQueue()
    for feed in feeds:
        waiting.put(feed)

    def front():
        with contextlib.suppress(queue.Empty):
            while True:
                feed = waiting.get_nowait()
                begun = time.perf_counter()
                group(score.s(text) for text in feed)().get(timeout=120)
                times.append(time.perf_counter() - begun)

    fronts = [threading.Thread(target=front) for _ in range(4)]
    begun = time.perf_counter()
    for each in fronts:
        each.start()
    for each in fronts:
        each.join()
    times.sort()
    return {
        "per_second": len(times) / (time.perf_counter() - begun),
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[len(times) * 99 // 100] * 1e3,
        "degraded": 0,
    }


def vader(weir):
    """VADER in Python over 100 posts a request, in two processes each: the bare function, a program, a model server behind the kind http,
    and a Celery."""
    feeds = feeds_of_texts(weir, 60)
    model = [sys.executable, "-m", "uvicorn", "model:app", "--port", "8023", "--workers", "2", "--log-level", "error"]
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(2) as processes, celery_workers() as score:
        Path(folder, "model.py").write_text(MODEL_SERVER)
        with (
            running(model, cwd=folder),
            server(weir, 8021, PROGRAM, VADER, keys="") as (program, _),
            server(weir, 8022, HTTP) as (http, _),
        ):
            until("the model server", lambda: get("http://127.0.0.1:8023/openapi.json") is not None)
            alone, runs = [], {"a program": [], "behind http": [], "Celery": []}
            for seed in range(ROUNDS):
                alone.append(sum(processes.map(bare, [feeds, feeds], chunksize=1)))
                runs["a program"].append(bench(weir, program, 100, seed))
                runs["behind http"].append(bench(weir, http, 100, seed))
                runs["Celery"].append(celery_groups(score, feeds[:20]))
    limit = statistics.median(alone)
    print(f"the bare function in two processes: {limit:.0f} feeds/s")
    for name, those in runs.items():
        rate = report(name, those)["per_second"]
        print(f"{name}: {100 * rate / limit:.0f} % of the bare function")


def scored_share(url, requests, stop=lambda: False):
    """Sends feeds of fresh texts one after the other; returns how many were sent, complete, and the share of scores that were there."""
    sent = complete = missed = 0
    for number in range(requests):
        if stop():
            break
        feed = json.loads((HERE.parent / "sample_data/requests/reddit.json").read_text(encoding="utf-8"))
        for item in feed["items"]:
            item["text"] += f" {number}"
        answer = get(f"{url}/v1/rank", json.dumps(feed).encode())
        sent += 1
        complete += sorted(answer["ranked_ids"]) == sorted({item["id"] for item in feed["items"]})
        missed += sum(part["missed"] for part in (answer.get("metadata") or {}).get("degraded") or [])
    return sent, complete, 1 - missed / max(1, sent * len(feed["items"]))


def processes_of(url):
    programs = get(f"{url}/v1/programs")["programs"]
    return [process["pid"] for program in programs for process in program["processes"] if process.get("pid")]


def kill(weir):
    """kill -9 of a random scoring process every 100 ms for 30 s under load."""
    with server(weir, 8021, PROGRAM, CONSTANT, keys="standby = 1") as (url, _):
        ends = time.monotonic() + 30
        killed = 0

        def killer():
            nonlocal killed
            while time.monotonic() < ends:
                alive = processes_of(url)
                if alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(random.choice(alive), signal.SIGKILL)
                        killed += 1
                time.sleep(0.1)

        thread = threading.Thread(target=killer)
        thread.start()
        sent, complete, share = scored_share(url, 1_000_000, lambda: time.monotonic() >= ends)
        thread.join()
        print(f"{killed} kills in 30 s: {sent} requests, {complete} complete, {100 * share:.2f} % of the scores were there")


def leak(weir):
    """A scorer that leaks a megabyte a batch, over 10,000 requests, with max_rss."""
    with server(weir, 8021, PROGRAM, LEAK, keys='max_rss = "300MiB"\nstandby = 1') as (url, _):
        sent, complete, share = scored_share(url, 10_000)
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as metrics:
            lines = metrics.read().decode().splitlines()
        replaced = sum(float(line.split()[-1]) for line in lines if line.startswith("weir_program_exits_total") and '"memory"' in line)
        print(f"{sent} requests, {complete} complete, {100 * share:.2f} % of the scores, {replaced:.0f} processes were replaced for memory")


def order(weir):
    """The same policy by `weights` and by `order`."""
    weights = "[policies.bench]\nentity_weight = 0.0\nweights = {{ sentiment = 1.0 }}\n"
    by_order = "[policies.bench]\norder = [\"sentiment desc\"]\n"
    for mode in (("--repeat",), ()):
        with server(weir, 8021, weights) as (first, _), server(weir, 8022, by_order) as (second, _):
            medians = in_turn(weir, {"weights": first, "order": second}, 1000, *mode)
            share = medians["order"]["per_second"] / medians["weights"]["per_second"]
            print(f"order has {100 * share:.0f} % of the throughput of weights, {'repeated' if mode else 'fresh'} texts")


def main():
    weir, *names = sys.argv[1:] or sys.exit(__doc__)
    sections = {section.__name__: section for section in (constant, vader, kill, leak, order)}
    for name in names or sections:
        sections[name](os.path.abspath(weir))


if __name__ == "__main__":
    main()
