"""The challenge's two sample scorers: a random number and the sentiment of VADER."""

import random
import time

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

import weir

analyzer = SentimentIntensityAnalyzer()  # once per process, not once per post


@weir.scorer(per="item", name="sentiment", reads=["text"])
def sentiment_scorer(item):
    """Compound sentiment of a text, -1 to 1."""
    return analyzer.polarity_scores(item.text)["compound"]


@weir.scorer(per="item", name="random", reads=["text"])
def random_scorer(item, mean=0.5, sdev=0.1, sleep=0.0):
    """A random number; slow or failing on request, to see what a ranking makes of it."""
    time.sleep(sleep)
    if "please fail" in item.text:
        raise ValueError("as the text asks")
    return random.normalvariate(mean, sdev)
