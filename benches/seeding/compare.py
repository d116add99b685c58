"""Preprocess and seed beside their straightforward versions, in one run: `compare.py WEIR POSTS FOLDER [POSTGRES_URL] [--weir-only]`.

POSTS is the number of posts on each platform; comments come on top. FOLDER gets the data. Needs pandas, and psycopg2 where
a Postgres is named; its database should be empty. `--weir-only` measures rates and memory of Weir alone, at any size.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def run(*command):
    """Seconds, peak memory in MiB of a command, and what it printed."""
    began = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"failed: {command}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024, printed


def remove(*patterns):
    for pattern in patterns:
        for path in pattern.parent.glob(pattern.name):
            path.unlink()


class Table:
    def __init__(self, items):
        self.items = items
        print(f"{items} items, {os.cpu_count()} cores\n\n| what | seconds | items a second | peak memory | ratio |\n|---|---|---|---|---|", flush=True)

    def row(self, what, seconds, memory=None, over=None):
        """Prints a row; `over` are the seconds that it is compared with."""
        memory = f"{memory:.0f} MiB" if memory else ""
        ratio = f"{over / seconds:.2f}" if over else ""
        print(f"| {what} | {seconds:.2f} | {self.items / seconds:,.0f} | {memory} | {ratio} |", flush=True)


def preprocess(weir, folder, alone):
    raw, normalised = folder / "raw", folder / "normalised"
    seconds, memory, _ = run(weir, "preprocess", "--in", raw, "--out", normalised)
    items = sum(1 for path in normalised.glob("*.jsonl") for _ in open(path, "rb"))
    table = Table(items)
    theirs = None
    if not alone:
        theirs, their_memory, _ = run(sys.executable, HERE / "preprocess_reference.py", raw, folder / "reference")
        table.row("preprocess with pandas", theirs, their_memory)
        remove(folder / "reference" / "*")
    remove(raw / "*" / "*")
    table.row("`weir preprocess`", seconds, memory, theirs)
    return table


def seed(table, weir, folder, database, url, alone):
    """Weir's two ways to seed, and the raw load of the very same rows, into SQLite or the Postgres at `url`."""
    name, target = ("Postgres", url) if url else ("SQLite", f"sqlite://{database}")
    measured = []
    for pool in ("--no-user-pool", "--n-users=500"):
        if not url:
            remove(database.with_name(database.name + "*"))
        measured.append((pool, *run(weir, "seed", "--in", folder / "normalised", "--database", target, "--drop-table", pool)[:2]))
    raw = None
    if not alone:
        _, _, printed = run(sys.executable, HERE / "load_reference.py", database, url or folder / "raw.db")
        first, last = (float(seconds) for seconds in printed.split())
        way = "COPY" if url else "executemany"
        table.row(f"raw {way} into {name}, indexes first", first)
        table.row(f"raw {way} into {name}, indexes last", last)
        raw = min(first, last)
    for pool, seconds, memory in measured:
        table.row(f"`weir seed {pool}` into {name}", seconds, memory, raw)


def main():
    flags = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    weir, posts, folder, *url = [argument for argument in sys.argv[1:] if argument not in flags]
    weir, folder, alone = Path(weir).resolve(), Path(folder), "--weir-only" in flags
    run(weir, "generate", "--seed", 3, "--posts", posts, "--out", folder / "raw")
    table = preprocess(weir, folder, alone)
    database = folder / "seeded.db"
    seed(table, weir, folder, database, None, alone)
    if url:
        seed(table, weir, folder, database, url[0], alone)


if __name__ == "__main__":
    main()
