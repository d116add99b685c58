"""The challenge's three sample tasks over the posts database."""

import json
from collections import Counter
from datetime import datetime, timezone

from helpers import connect, named_entities

import weir

BETWEEN = "FROM posts WHERE created_at BETWEEN '{}' AND '{}'"


@weir.job
def query_posts_db(query: str) -> list:
    """Rows that a query finds."""
    connection = connect()
    try:
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchall()
    finally:
        connection.close()


@weir.job
def substring_matches_by_platform(match: str, from_: str, to: str) -> dict:
    """How many posts of a period hold a text, by platform, and how many posts there are."""
    connection = connect()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT platform, post_blob " + BETWEEN.format(from_, to))
        rows = [(platform, as_dict(post).get("text", "")) for platform, post in cursor.fetchall()]
        counts = Counter(platform for platform, text in rows if match in text.lower())
        return {**counts, "total_rows": len(rows)}
    finally:
        connection.close()


@weir.job(result_key="my_worker:scheduled:top_named_entities", retries=3)
def count_top_named_entities(k: int, from_: str, to: str) -> dict:
    """The `k` names that most posts of a period hold. Weir stores what is returned under `result_key`."""
    connection = connect()
    counts = Counter()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT post_blob " + BETWEEN.format(from_, to))
        posts = cursor.fetchall()
        for done, (post,) in enumerate(posts):
            counts.update(set(named_entities(as_dict(post).get("text", ""))))
            weir.progress(done + 1, len(posts))
        return {
            "top_named_entities": counts.most_common(k),
            "timestamp": datetime.now(timezone.utc).isoformat(),
        }
    finally:
        connection.close()


def as_dict(post):
    """Postgres gives JSON as a dict, SQLite as text."""
    return post if isinstance(post, dict) else json.loads(post)
