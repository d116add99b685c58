"""What `weir preprocess` does, written the straightforward way with pandas: `preprocess_reference.py IN OUT`."""

import hashlib
import json
import random
import re
import sys
from pathlib import Path

import pandas as pd

SALT = "weir"
LINK = re.compile(r"https?://[^\s\"<>`]+")


def hashed(text):
    return hashlib.sha256(f"{SALT}\0{text}".encode()).hexdigest()


def links(text):
    return list(dict.fromkeys(link.rstrip(".,;:!?)]}'") for link in LINK.findall(text)))


def item(id, kind, text, author, created_at, engagements, post_id=None, parent_id=None, title=None, urls=None, language=None):
    return {
        "id": id,
        "original_rank": None,
        "post_id": post_id,
        "parent_id": parent_id,
        "title": title,
        "text": text,
        "author_name_hash": hashed(author),
        "type": kind,
        "embedded_urls": links(text) if urls is None else urls,
        "created_at": created_at.isoformat(),
        "engagements": engagements,
        "language": language,
    }


def write(path, items):
    with open(path, "w", encoding="utf-8") as out:
        for one in items:
            out.write(json.dumps(one, ensure_ascii=False) + "\n")


def usable(frame, time, text):
    frame[time] = pd.to_datetime(frame[time], utc=True, errors="coerce", format="ISO8601")
    return frame.dropna(subset=[time, text])


def facebook(folder, out):
    counts = ["react_like", "react_love", "react_wow", "react_haha", "react_sad", "react_angry", "shares"]
    posts = pd.read_csv(folder / "fb_news_posts.csv", dtype=str)
    posts = usable(posts, "created_time", "message").dropna(subset=counts).drop_duplicates("post_id")
    comments = pd.read_csv(folder / "fb_news_comments.csv", dtype=str)
    comments = usable(comments, "created_time", "message").drop_duplicates(["post_name", "message"])
    comments = comments[comments["post_name"].isin(posts["post_id"])]
    by_post = dict(list(comments.groupby("post_name")))

    def items():
        for _, post in posts.iterrows():
            below = by_post.get(post["post_id"])
            id = hashed(post["post_id"])
            engagements = {name.removeprefix("react_"): int(float(post[name])) for name in counts}
            engagements["comment"] = 0 if below is None else len(below)
            yield item(id, "post", post["message"], post["page_id"], post["created_time"], engagements)
            if below is None:
                continue
            for _, comment in below.iterrows():
                own = hashed("\0".join([comment["post_name"], comment["from_id"], comment["message"]]))
                yield item(own, "comment", comment["message"], comment["from_id"], comment["created_time"], {"like": 0}, post_id=id)

    write(out / "facebook.jsonl", items())


def reddit(folder, out):
    rows = pd.read_csv(folder / "reddit.csv", dtype=str, keep_default_na=False)
    rows["created_utc"] = pd.to_datetime(pd.to_numeric(rows["created_utc"], errors="coerce"), unit="s", utc=True)
    rows = rows.dropna(subset=["created_utc"]).drop_duplicates("id")
    gone = ["[deleted]", "[removed]"]
    rows = rows[~rows["selftext"].isin(gone) & ~rows["body"].isin(gone)]
    posts = rows[rows["type"] == "Post"]["id"].tolist()
    post_of = {}

    def items():
        for _, row in rows.iterrows():
            parent, post = row["parent_id"], None
            if row["type"] == "Comment":
                if parent.startswith("t3_"):
                    post = parent[3:]
                else:
                    post = post_of.get(parent[3:]) or random.choice(posts)
                post_of[row["id"]] = post
            score = max(int(row["ups"]), 0) - max(int(row["downs"]), 0)
            yield item(
                hashed(row["id"]),
                row["type"].lower(),
                row["body"] or row["selftext"],
                row["author"],
                row["created_utc"],
                {"score": score, "comment": 0, "award": 0},
                post_id=post and hashed(post),
                parent_id=hashed(parent[3:]) if parent.startswith("t1_") else None,
                title=row["title"] or None,
            )

    write(out / "reddit.jsonl", items())


def twitter(folder, out):
    seen, placed = set(), []

    def items():
        with open(folder / "tweets.jsonl", encoding="utf-8") as lines:
            for line in lines:
                try:
                    answer = json.loads(line)
                    data = answer["data"]
                except (ValueError, KeyError):
                    continue
                if data["id"] in seen:
                    continue
                seen.add(data["id"])
                id, root, parent = hashed(data["id"]), None, None
                if placed and random.random() >= 0.3:
                    parent, root = random.choice(placed)
                placed.append((id, root or id))
                metrics = data["public_metrics"]
                engagements = {
                    "retweet": metrics["retweet_count"],
                    "like": metrics["like_count"],
                    "comment": metrics["reply_count"],
                    "share": metrics["quote_count"],
                }
                if not any(engagements.values()):
                    followers = answer["includes"]["users"][0]["public_metrics"]["followers_count"]
                    likes = followers * 0.004 * random.lognormvariate(0, 1)
                    shares = {"retweet": 0.2, "like": 1.0, "comment": 0.1, "share": 0.04}
                    engagements = {name: round(likes * share) for name, share in shares.items()}
                yield item(
                    id,
                    "comment" if parent else "post",
                    data["text"].strip(),
                    data["author_id"],
                    pd.Timestamp(data["created_at"]),
                    engagements,
                    post_id=root,
                    parent_id=parent,
                    urls=[url["expanded_url"] for url in data["entities"]["urls"]],
                    language=data["lang"],
                )

    write(out / "twitter.jsonl", items())


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    facebook(folder / "facebook", out)
    reddit(folder / "reddit", out)
    twitter(folder / "twitter", out)


if __name__ == "__main__":
    main()
