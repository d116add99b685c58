"""Preprocess and seed beside their straightforward versions, in one run: `compare.py WEIR POSTS FOLDER [POSTGRES_URL]`.

POSTS is the number of posts on each platform; comments come on top. FOLDER gets the data, three to four gigabytes of it
for a million items. Needs pandas, and psycopg2 where a Postgres is named; its database should be empty.
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


def report(what, items, seconds, memory):
    print(f"{what:44} {seconds:8.1f} s {items / seconds:10.0f} /s {memory:6.0f} MiB", flush=True)
    return items / seconds


def main():
    weir, posts, folder = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3])
    postgres = sys.argv[4] if len(sys.argv) > 4 else None
    raw, normalised, reference = folder / "raw", folder / "normalised", folder / "reference"
    run(weir, "generate", "--seed", 3, "--posts", posts, "--out", raw)
    seconds, memory, _ = run(weir, "preprocess", "--in", raw, "--out", normalised)
    items = sum(1 for path in normalised.glob("*.jsonl") for _ in open(path, "rb"))
    ours = report("weir preprocess", items, seconds, memory)
    if "--no-pandas" not in sys.argv:
        seconds, memory, _ = run(sys.executable, HERE / "preprocess_reference.py", raw, reference)
        theirs = report("pandas", items, seconds, memory)
        print(f"{'ratio':44} {ours / theirs:8.1f}")

    database = folder / "seeded.db"
    for target, other in [(f"sqlite://{database}", str(folder / "raw.db")), (postgres, postgres)]:
        if not target:
            continue
        rates = []
        for pool in (["--no-user-pool"], ["--n-users", "500"]):
            if target != postgres:
                for path in folder.glob("seeded.db*"):
                    path.unlink()
            seconds, memory, _ = run(weir, "seed", "--in", normalised, "--database", target, "--drop-table", *pool)
            rates.append(report(f"weir seed {pool[0]} {target.split(':')[0]}", items, seconds, memory))
        _, _, printed = run(sys.executable, HERE / "load_reference.py", database, other)
        raw_rates = [float(rate) for rate in printed.split()]
        name = "executemany" if target != postgres else "COPY"
        print(f"{name}: {raw_rates[0]:.0f} rows/s with the indexes first, {raw_rates[1]:.0f} with the indexes last")
        print(f"{'ratio to the better of the two':44} {min(rates) / max(raw_rates):8.2f}", flush=True)


if __name__ == "__main__":
    main()
