#!/usr/bin/env python3
"""Times the reference implementation of VADER on the posts of the benchmark `sentiment`.

pip install vaderSentiment==3.3.2
"""

import time
from pathlib import Path

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

ROUNDS = 200

posts = Path(__file__).with_name("posts.txt").read_text(encoding="utf-8").splitlines()
analyzer = SentimentIntensityAnalyzer()
best = float("inf")
for _ in range(ROUNDS):
    started = time.perf_counter()
    for post in posts:
        analyzer.polarity_scores(post)
    best = min(best, time.perf_counter() - started)
average = sum(map(len, posts)) / len(posts)
print(f"{best / len(posts) * 1e6:.2f} us a post ({len(posts)} posts of {average:.0f} characters, best of {ROUNDS} rounds)")
