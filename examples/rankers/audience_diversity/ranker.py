"""Elicited response, audience and topic diversity of posts, by text. Here they were recorded; your own models take their place."""

import json
from pathlib import Path

import weir


@weir.scorer(outputs=["har", "ar", "ad", "td"], reads=["text", "title"])
class Posts:
    """Harmful response, affect of the response, diversity of the audience of the links (none without a known link), diversity of the topic."""

    def setup(self, device):
        recorded = Path(__file__).with_name("scores.json")
        self.scores = json.loads(recorded.read_text(encoding="utf-8"))

    def score(self, items):
        return [self.scores.get(item.text) for item in items]
