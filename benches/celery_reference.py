"""A Celery group of 100 empty tasks, enqueued and awaited, for comparison with `cargo bench --bench jobs`.

usage: python benches/celery_reference.py, with celery[redis] installed and redis-server on PATH. Starts a Redis and a worker of two
processes of its own, and ends them.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time

from celery import Celery, group

PORT = int(os.environ.get("CELERY_REFERENCE_PORT", "0"))
URL = f"redis://127.0.0.1:{PORT}/0"
app = Celery("celery_reference", broker=URL, backend=URL)


@app.task
def empty():
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def report(what, times):
    times.sort()
    at = lambda share: times[len(times) * share // 100] * 1e3
    print(f"{what}: p50 {at(50):.1f} ms, p99 {at(99):.1f} ms")


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure():
    for _ in range(20):
        empty.delay().get(timeout=30)
    report("celery, one task", [timed(lambda: empty.delay().get(timeout=30)) for _ in range(300)])
    together = lambda: group(empty.s() for _ in range(100))().get(timeout=60)
    report("celery, a group of 100", [timed(together) for _ in range(50)])


def main():
    if PORT:
        return measure()
    port = free_port()
    environment = {**os.environ, "CELERY_REFERENCE_PORT": str(port), "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
    with tempfile.TemporaryDirectory() as folder:
        redis = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes"],
            stdout=subprocess.DEVNULL,
        )
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_reference", "worker", "--concurrency", "2", "--loglevel", "ERROR"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        )
        try:
            time.sleep(5)
            return subprocess.run([sys.executable, os.path.abspath(__file__)], env=environment, check=False).returncode
        finally:
            worker.terminate()
            worker.wait()
            redis.terminate()
            redis.wait()


if __name__ == "__main__":
    sys.exit(main())
