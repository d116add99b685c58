"""Calls the sample tasks on a running Weir: python caller.py"""

from tasks import count_top_named_entities, query_posts_db, substring_matches_by_platform

PERIOD = ("2024-05-01", "2024-06-30")  # of the sample data

if __name__ == "__main__":
    rows = query_posts_db.delay("SELECT platform, created_at FROM posts ORDER BY created_at LIMIT 5")
    print(rows.get(timeout=10))
    print(substring_matches_by_platform.delay("london", *PERIOD).get(timeout=10))
    print(count_top_named_entities.delay(10, *PERIOD).get(timeout=60))
