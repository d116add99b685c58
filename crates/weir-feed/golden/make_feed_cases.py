#!/usr/bin/env python3
"""Writes feed_cases.jsonl: ranking requests, and whether the pydantic models of PyPI `ranking-challenge` accept them.

    pip install ranking-challenge==3.4.0 faker
    python make_feed_cases.py [--cases 3000] > feed_cases.jsonl

The first lines are {"base": text}. Then each line is {"base": N, "from": i, "to": j, "put": text, "accepts": bool, "engagements": [name, ..],
"times": [epoch microseconds, ..]}: the request is the base's text with its characters i to j replaced. With --texts, {"text": ..} stands in place of the first four.
"""
import argparse
import json
import random
import warnings
from datetime import datetime, timedelta, timezone

from ranking_challenge.request import RankingRequest

warnings.simplefilter("ignore")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

FACEBOOK = {k: 1 for k in ("like", "love", "care", "haha", "wow", "sad", "angry", "comment", "share")}
REDDIT = {"upvote": 3, "downvote": 1, "score": 2, "comment": 1, "award": 0}
TWITTER = {k: 2 for k in ("retweet", "like", "comment", "share")}

INTEGERS = ['0', '1', '-1', '1.0', '1.5', '-1.0', '1e3', '"1"', '"-1"', '"1.0"', '"1.50"', '" 7 "', '"1_000"', '"+1"', '""', '"007"',
            '"1e3"', '"1."', '".0"', '"0x1"', '"1__0"', '"_1"', '"1_"', '"+-1"', '"1_0.0"', '"\\u00a01"', '"\u0661"', '-0', '-0.0', '"-0"',
            '10000000000000000000', '"99999999999999999999"', '-99999999999999999999', 'true', 'false', 'null', '[]', '{}', '[1]', '"many"', '9007199254740993.0']
FLAGS = ['true', 'false', '0', '1', '2', '-1', '"true"', '"TRUE"', '"on"', '"off"', '"y"', '"No"', '"t"', '"f"', '" true"', '1.0', '0.0', '0.5', '""',
         '"1"', '"2"', 'null', '[]', '{}']
SHARES = ['0', '1', '0.5', '"0.5"', '"1"', '1.01', '-0.1', 'true', 'null', '" 0.5 "', '"1e-1"', '"nan"', '".5"', '"1."', '"+0.5"', '"inf"', '[]', '2', '""']
SCALES = ['1', '3', '6', '7', '8', '0', '-1', '"3"', '3.0', '"3.0"', '3.5', 'true', 'null', '" 3"', '"+3"', '"03"', '"three"', '[]']
STRINGS = ['"x"', '""', '"\\u0000"', '"\\ud83d\\ude00"', '1', 'null', 'true', '[]', '{}', '1.5', '["x"]']
TIMES = ['"2024-05-13"', '"2024-05-13T21:08"', '"2024-05-13 21:08:32"', '"2024-05-13 21:08:32.123"', '"2024-05-13T21:08:32.1234567891Z"', '"2024-05-13t21:08:32z"',
         '"2024-05-13_21:08:32"', '"2024-05-13T21:08:32+02:00"', '"2024-05-13T21:08:32+0200"', '"2024-05-13T21:08:32+02"', '"2024-05-13T21:08:32 +02:00"',
         '"2024-05-13T21:08:32-23:59"', '"2024-05-13T21:08:32+24:00"', '"2024-05-13T21:08:32\u221202:00"', '" 2024-05-13 21:08:32"', '"2024-05-13 21:08:32 "',
         '"2024-05-13 21:08:60"', '"2024-05-13 24:00:00"', '"2024-02-30 00:00:00"', '"2024-02-29 00:00:00"', '"2023-02-29 00:00:00"', '"0000-01-01 00:00:00"',
         '"0001-01-01 00:00:00"', '"9999-12-31T23:59:59Z"', '1715634512', '1715634512.25', '1715634512250', '"1715634512"', '"1715634512.25"', '"-1"', '-1', '20000000000',
         '20000000001', '2.1e10', '1e30', '-1e30', '253402300800000', '253402300799999', '-62135596800000', '-62135596800001', 'true', 'null', '""', '"x"', '[]', '{}', '"1e9"', '"+5"',
         '"1_000"', '"20240513"', '"20240513T210832"', '"2024-5-13 21:08:32"', '"2024-05-13 21:08:32,5"', '"2024-05-13 21:08:32."', '"2024-05-13T21"', '"2024-05-13T"',
         '"2024-05-13Z"', '"5."', '".5"', '"."', '"+"', '"-"', '" 5"', '"12:30"', '"2024-05-13T21:08Z"', '"2024-05-13T21:08:32 Z"', '0', '"-1.5"', '-1.5', '1e9', '"NaN"', '"inf."',
         '"2024-05-13T21:08:32+02:60"', '"2024-05-13T21:08.5"', '"2024-05-13T21:08:32.1Z"', '9223372036854775808', '"13/05/2024"', '"2024-13-01 00:00:00"', '"yesterday"']
URLS = ['"https://a"', '"http:a.com"', '"http:/a.com"', '"HTTP://A.com"', '"ftp://a.com"', '"//a.com"', '"a.com"', '""', '" https://a.com"', '"https://"', '"https:///x"', '"https://a b.com"',
        '"https://a.com/x y"', '"https://a.com:99999"', '"https://a.com:8080"', '"https://1.2.3.999"', '"https://1.2.3.4"', '"https://\u00fc.com"', '"https://[::1]/"', '"https://[::1"', '"https://u:p@h.com"',
        '"https://%41.com"', '"https://a_b.com"', '"https://a..b"', '"https://-a.com"', '"https://xn--a.com"', '"https://foo.123"', '"https://a<b.com"', '"https://?x"', '"https://@"',
        '"https://a.0x"', '"javascript:alert(1)"', '"data:text/plain,x"', 'null', '1', '[]', '"https://a.com/' + 'x' * 2069 + '"', '"https://a.com/' + 'x' * 2070 + '"', '"https://a.com/?q=\u00fc#f"']
LISTS = ['[]', 'null', '["https://a.com","http://b.org/x"]', '["https://a.com","nope"]', '"https://a.com"', '[1]', '[null]', '[[]]', '{}', '1']
OBJECTS = ['null', '[]', '{}', '1', '"x"', 'true']


def pick(rng, *lists):
    return rng.choice(rng.choice(lists))


def base_requests():
    def item(n, kind, counts, **more):
        return {"id": f"item-{n}", "original_rank": n, "post_id": None, "parent_id": None, "title": None, "text": "Good morning from the harbour", "author_name_hash": "a" * 8,
                "type": kind, "embedded_urls": ["https://example.org/x"], "created_at": "2024-05-13T21:08:32Z", "engagements": counts, "language": None, **more}

    def session(platform):
        return {"session_id": "s", "user_id": "u", "user_name_hash": "h", "cohort": "c", "cohort_index": 7, "platform": platform, "url": f"https://{platform}.com/r/x",
                "current_time": "2024-05-14 08:00:00", "prefetch": False}
    survey = {"party_id": "other", "party_write_in": "pirates", "support": "strong", "age": 3, "education": 4, "ideology": 5, "income": 6, "socmed_use": 7, "feed_lean": 3,
              "sex": "nonbinary", "trump": "strongly_unfavorable", "voting_likelihood": "will_not_vote", "browser_perc_reddit": 0.25, "browser_perc": 0.8}
    return [{"session": session(p), "survey": s, "items": [item(0, "post", c, title="A title"), item(1, "comment", c, post_id="item-0")]}
            for p, s, c in (("facebook", survey, FACEBOOK), ("reddit", None, REDDIT), ("twitter", survey, TWITTER))]


def edit(rng, base):
    """One change: (pointer, raw value or None)."""
    item = f"items/{rng.randrange(2)}"
    kind = rng.randrange(17)
    if kind == 0:
        return f"{item}/created_at", rng.choice(TIMES)
    if kind == 1:
        return "session/current_time", rng.choice(TIMES)
    if kind == 2:
        return "session/url", rng.choice(URLS)
    if kind == 3:
        return f"{item}/embedded_urls", rng.choice([*LISTS, *(f"[{u}]" for u in URLS)])
    if kind == 4:
        return "session/prefetch", rng.choice(FLAGS)
    if kind == 5:
        return rng.choice(["session/cohort_index", f"{item}/original_rank"]), rng.choice(INTEGERS)
    if kind == 6 and base["survey"]:
        return "survey/" + rng.choice(["age", "education", "ideology", "income", "socmed_use", "feed_lean"]), rng.choice(SCALES)
    if kind == 7 and base["survey"]:
        return "survey/" + rng.choice(["browser_perc_reddit", "browser_perc_facebook"]), rng.choice(SHARES)
    if kind == 8 and base["survey"]:
        return "survey/" + rng.choice(["sex", "trump", "support", "party_id", "party_write_in", "abortion"]), pick(rng, ['"female"', '"strong"', '"other"', '"strongly_oppose"', '"Female"'], STRINGS)
    if kind == 9:
        field = rng.choice(["id", "post_id", "parent_id", "title", "text", "author_name_hash", "language"])
        return f"{item}/{field}", rng.choice(STRINGS)
    if kind == 10:
        return "session/" + rng.choice(["session_id", "user_id", "user_name_hash", "cohort"]), rng.choice(STRINGS)
    if kind == 11:
        return rng.choice(["session/platform", f"{item}/type"]), pick(rng, ['"post"', '"comment"', '"reddit"', '"twitter"', '"Reddit"', '"share"'], STRINGS)
    if kind == 12:  # remove a key
        place = rng.choice(["", "session", item, "survey" if base["survey"] else "", f"{item}/engagements"])
        node = base
        for part in filter(None, place.split("/")):
            node = node[int(part) if part.isdigit() else part]
        return f"{place}/{rng.choice(list(node))}".lstrip("/"), None
    if kind == 13:
        return rng.choice(["session", "survey", "items", item, f"{item}/engagements"]), rng.choice(OBJECTS)
    if kind == 14:  # a repeated key
        return pick(rng, [("session/+session_id", '"again"'), ("session/+platform", '"myspace"'), (f"{item}/+id", '"again"'), (f"{item}/+text", "1"), ("+items", "[]"), ("+session", "{}"),
                          (f"{item}/engagements/+comment", "-1"), (f"{item}/engagements/+comment", "4")])
    names = rng.sample(sorted({*FACEBOOK, *REDDIT, *TWITTER}), rng.randrange(1, 4))
    if kind == 15:
        return f"{item}/engagements/{names[0]}", rng.choice(INTEGERS)
    counts = {**rng.choice([{}, FACEBOOK, REDDIT, TWITTER]), **{n: 5 for n in names}}
    counts = {k: v if rng.random() < 0.9 else rng.choice(["5", None, -5, 1.0, True, 0.5]) for k, v in counts.items() if rng.random() < 0.95}
    return f"{item}/engagements", json.dumps(counts)


def apply(base, pointer, raw):
    """The changed request as JSON text. A pointer whose last part is `+key` adds the key a second time."""
    request = json.loads(json.dumps(base))
    *parents, last = pointer.split("/")
    node = request
    for part in parents:
        node = node[int(part) if part.isdigit() else part]
    if raw is None:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = "@@"
    text = json.dumps(request).replace(f'"{last}": "@@"', f'"{last.removeprefix("+")}": "@@"')
    return text.replace('"@@"', raw or "")


def difference(old, new):
    """(i, j, put) with old[:i] + put + old[j:] == new."""
    i = next((k for k, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    end = min(len(old), len(new)) - i
    k = next((k for k in range(end) if old[-1 - k] != new[-1 - k]), end)
    return i, len(old) - k, new[i:len(new) - k]


def verdict(text):
    try:
        request = RankingRequest.model_validate_json(text)
    except ValueError:
        return {"accepts": False}
    utc = [i.created_at if i.created_at.tzinfo else i.created_at.replace(tzinfo=timezone.utc) for i in request.items]
    return {"accepts": True, "engagements": [type(i.engagements).__name__.removesuffix("Engagements").lower() for i in request.items],
            "times": [(t - EPOCH) // timedelta(microseconds=1) for t in utc]}


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--cases", type=int, default=3000)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--texts", action="store_true", help="write whole requests, not edits")
    a = args.parse_args()
    rng, bases, seen = random.Random(a.seed), base_requests(), set()
    if not a.texts:
        for base in bases:
            print(json.dumps({"base": json.dumps(base)}))
    while len(seen) < a.cases:
        n = rng.randrange(len(bases))
        text = apply(bases[n], *edit(rng, bases[n]))
        if text in seen:
            continue
        seen.add(text)
        case = {"text": text} if a.texts else dict(zip(("base", "from", "to", "put"), (n, *difference(json.dumps(bases[n]), text))))
        print(json.dumps({**case, **verdict(text)}, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
