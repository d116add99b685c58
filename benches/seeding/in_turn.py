"""weir seed into a new SQLite file and the raw load of the same rows, in turn: `in_turn.py WEIR NORMALISED FOLDER [ROUNDS, 5]`.

NORMALISED is what `weir preprocess` wrote; FOLDER gets two databases at a time. Machines are not equally fast from one
minute to the next, so each round has its own ratio; the table tells the medians.
"""

import os
import statistics
import sys
from pathlib import Path

from compare import HERE, remove, run


def measured(weir, normalised, folder, pool):
    """Seconds of the seed, its peak memory in MiB, seconds of the raw load with indexes last."""
    database = folder / "seeded.db"
    remove(database.with_name(database.name + "*"))
    os.sync()
    seconds, memory, _ = run(weir, "seed", "--in", normalised, "--database", f"sqlite://{database}", pool)
    os.sync()
    _, _, raw = run(sys.executable, HERE / "load_reference.py", database, folder / "raw.db", "--indexes-last")
    remove(database)
    return seconds, memory, float(raw)


def main():
    weir, normalised, folder = (Path(argument).resolve() for argument in sys.argv[1:4])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    print("| way | seed | raw `executemany` | ratio | ratios | peak memory |\n|---|---|---|---|---|---|", flush=True)
    for pool in ("--no-user-pool", "--n-users=500"):
        seeds, memories, raws = zip(*(measured(weir, normalised, folder, pool) for _ in range(rounds)))
        ratios = sorted(raw / seed for seed, raw in zip(seeds, raws))
        seed, raw, ratio = (statistics.median(values) for values in (seeds, raws, ratios))
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(f"| `{pool}` | {seed:.2f} s | {raw:.2f} s | {ratio:.2f} | {spread} | {max(memories):.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
