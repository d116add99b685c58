"""Civility of posts by text, and trust in the domains that they link to. Here scores were recorded; your own models take their place."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import weir

FOLDER = Path(__file__).parent
# Made up: a list such as NewsGuard's takes its place.
TRUST = {"daily.example": 0.9, "gazette.example": 0.7, "rumours.example": 0.1}


@weir.scorer(
    outputs=["toxicity", "polarisation", "prosociality", "lexical_diversity", "language"],
    reads=["text", "title"],
)
class Civility:
    def setup(self, device):
        self.scores = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))

    def score(self, items):
        return [self.scores.get(item.text) for item in items]


@weir.scorer(per="item", outputs=["trust"], reads=["embedded_urls"])
def domain(item):
    """Trust in the first domain that is known."""
    hosts = (urlsplit(url).hostname for url in item.embedded_urls or [])
    return next((TRUST[host] for host in hosts if host in TRUST), None)
