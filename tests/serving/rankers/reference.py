"""The example rankers once more, without expressions: random feeds of recorded texts, and the orders that each ranker means.

    python3 reference.py RANKER FOLDER FEEDS SEED

Prints one JSON object a line: {"posts": [scraped post]} or {"policy": name or null, "feed": request, "expected": [id]}.
"""

import bisect
import importlib.util
import json
import math
import random
import sys
from pathlib import Path

ENGAGEMENTS = {
    "facebook": dict.fromkeys(("like", "love", "care", "haha", "wow", "sad", "angry", "comment", "share"), 1),
    "reddit": {"score": 1, "comment": 1, "award": 0},
    "twitter": {"retweet": 1, "like": 1, "comment": 1, "share": 1},
}
NOW = "2026-11-29T12:00:00Z"


def make_feed(rng, number, texts, platform, **session):
    """A request with these texts in any order, some twice, some that no scorer knows, some empty."""
    chosen = rng.sample(texts, rng.randint(1, len(texts)))
    chosen += rng.sample(chosen, len(chosen) // 8) + ["a text that nobody recorded", " "]
    rng.shuffle(chosen)
    items = [
        {
            "id": f"{number}-{index}",
            "text": text,
            "author_name_hash": f"author {index}",
            "type": "post",
            "created_at": NOW,
            "embedded_urls": rng.choice([[], [], *DOMAINS]),
            "engagements": ENGAGEMENTS[platform],
            "language": rng.choice([None, "en", "en-US", "fr"]) if platform == "twitter" else None,
        }
        for index, text in enumerate(chosen)
    ]
    session = {
        "session_id": f"s{number}",
        "user_id": f"u{number}",
        "user_name_hash": "h",
        "platform": platform,
        "url": "https://example.org/",
        "current_time": NOW,
        **session,
    }
    return {"session": session, "items": items}


DOMAINS = [
    ["https://daily.example/1"],
    ["https://nobody.example/2", "https://gazette.example/3"],
    ["https://rumours.example/4"],
    ["https://nobody.example/5"],
]


def in_order(items, key):
    """Ids by a key, the highest first; of equal ones the first stays first."""
    return [item["id"] for item in sorted(items, key=key, reverse=True)]


# Perspective: the weight of each attribute in each arm.

BRIDGE = {f: 1 / 6 for f in ("reasoning", "personal_story", "affinity", "compassion", "respect", "curiosity")}
OUTRAGE = {"fearmongering": 1 / 3, "generalization": 1 / 3, "scapegoating": 1 / 9, "moral_outrage": 1 / 9, "alienation": 1 / 9}
TOXIC = {f: 1 / 4 for f in ("toxicity", "identity_attack", "insult", "threat")}


def arm(outrage, toxic):
    weights = dict(BRIDGE)
    weights.update({name: -outrage * weight for name, weight in OUTRAGE.items() if outrage})
    weights.update({name: -toxic * weight for name, weight in TOXIC.items() if toxic})
    return weights


ARMS = {
    "perspective_baseline": arm(0, 0),
    "perspective_outrage": arm(1, 0),
    "perspective_toxicity": arm(0, 1),
    "perspective_baseline_minus_outrage_toxic": arm(1 / 2, 1 / 2),
}


def perspective(rng, scores, feeds, _):
    for number in range(feeds):
        cohort = rng.choice(list(ARMS))
        feed = make_feed(rng, number, list(scores), rng.choice(list(ENGAGEMENTS)), cohort=cohort)
        last, combined = 0.0, {}
        for item in feed["items"]:
            row = scores.get(item["text"]) or {}
            weights = ARMS[cohort]
            if all(row.get(name) is not None for name in weights):
                last = sum(weight * row[name] for name, weight in weights.items())
            # Rounded, since the sum is not that of the expression to the last digit.
            combined[item["id"]] = round(last, 12)
        yield None, feed, in_order(feed["items"], lambda item: combined[item["id"]])


def audience_diversity(rng, scores, feeds, _):
    for number in range(feeds):
        feed = make_feed(rng, number, list(scores), rng.choice(list(ENGAGEMENTS)))
        policy = rng.choice(["as_described", "as_run"])
        civil, harmful, unknown = [], [], []
        for item in feed["items"]:
            row = scores.get(item["text"])
            if row is None:
                unknown.append(item)
                continue
            bucket = bisect.bisect([0.557, 0.572, 0.581, 0.6], row["har"])
            diversity = row["ad"] if row["ad"] is not None else row["td"]
            if policy == "as_described" and bucket >= 2:
                harmful.append((item, (-bucket, row["ar"])))
            else:
                civil.append((item, (-bucket, diversity, row["ar"])))
        ordered = []
        for group in (civil, harmful):
            keys = {item["id"]: key for item, key in group}
            ordered += in_order([item for item, _ in group], lambda item: keys[item["id"]])
        yield policy, feed, ordered + [item["id"] for item in unknown]


def quantile(values, q):
    """Linear between the two nearest values."""
    values = sorted(values)
    at = (len(values) - 1) * q
    low = math.floor(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def from_minus_one_to_one(column):
    """The values of one feed, their tenths at either end cut off, from -1 to 1."""
    known = [value for value in column if value is not None]
    if not known:
        return column
    low, high = quantile(known, 0.1), quantile(known, 0.9)
    if low == high:
        return [None] * len(column)
    cut = [None if value is None else min(max(value, low), high) for value in column]
    return [None if value is None else 2 * (value - low) / (high - low) - 1 for value in cut]


def civility(rng, scores, feeds, folder):
    trust = load(folder / "ranker.py").TRUST
    for number in range(feeds):
        feed = make_feed(rng, number, list(scores), rng.choice(list(ENGAGEMENTS)))
        rows = [scores.get(item["text"]) or {} for item in feed["items"]]
        english = []
        for index, (item, row) in enumerate(zip(feed["items"], rows)):
            language = (item["language"] or row.get("language") or "").lower()
            if item["text"].strip() and language.split("-")[0] == "en":
                english.append(index)

        def part(name):
            return from_minus_one_to_one([rows[index].get(name) for index in english])

        columns = [part(name) for name in ("toxicity", "polarisation", "lexical_diversity", "prosociality")]
        compound = {}
        for position, index in enumerate(english):
            toxic, polarised, lexical, prosocial = (column[position] for column in columns)
            hosts = [url.split("/")[2] for url in feed["items"][index]["embedded_urls"]]
            known = [trust[host] for host in hosts if host in trust]
            pairs = [
                (None if toxic is None else -toxic, 1),
                (None if polarised is None else -polarised, 1),
                (lexical, 0.5),
                (2 * known[0] - 1 if known else None, 2),
                (prosocial, 1),
            ]
            pairs = [(value, weight) for value, weight in pairs if value is not None]
            if pairs:
                mean = sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)
                compound[index] = round(mean, 12)
        best = sorted(english, key=lambda index: (index in compound, compound.get(index, 0)), reverse=True)
        order = list(range(len(rows)))
        for place, index in zip(english, best):
            order[place] = index
        expected = [feed["items"][index]["id"] for index in order]
        bad = next((place for place, index in enumerate(order) if compound.get(index, 0) < -0.1), None)
        if bad is not None:
            expected.insert(bad, "civility-marker")
        yield None, feed, expected


def bridging_replacement(rng, scores, feeds, _):
    posts = [text for text, row in scores.items() if row]
    best = [text for text in posts if scores[text]["is_civic"] == 1 and scores[text]["bridging"] >= 0.5]
    best.sort(key=lambda text: -scores[text]["bridging"])
    assert len({scores[text]["bridging"] for text in best}) == len(best), "two candidates are equally good"
    yield posts
    had = {}
    for number in range(feeds):
        user = f"user {rng.randrange(max(1, feeds // 4))}"
        feed = make_feed(rng, number, list(scores), "reddit", user_id=user)
        left = [text for text in best if text not in had.setdefault(user, set())]
        civic = [item for item in feed["items"] if (scores.get(item["text"]) or {}).get("is_civic") == 1]
        given = left[: max(len(civic), math.ceil(len(feed["items"]) / 10))]
        had[user].update(given)
        replaced = dict(zip((item["id"] for item in civic), given))
        expected = [replaced.get(item["id"], item["id"]) for item in feed["items"]]
        yield None, feed, expected + given[len(replaced) :]


def load(file):
    """The trust in domains is data of the ranker; its scorers are not used."""
    sys.modules.setdefault("weir", Quiet())
    spec = importlib.util.spec_from_file_location("ranker", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Quiet:
    """Stands for the package, so that none is needed here."""

    def scorer(self, **_):
        return lambda target: target


def main(ranker, folder, feeds, seed):
    folder = Path(folder)
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    for line in globals()[ranker](random.Random(int(seed)), scores, int(feeds), folder):
        if isinstance(line, list):
            print(json.dumps({"posts": line}))
        else:
            policy, feed, expected = line
            print(json.dumps({"policy": policy, "feed": feed, "expected": expected}))


if __name__ == "__main__":
    main(*sys.argv[1:])
