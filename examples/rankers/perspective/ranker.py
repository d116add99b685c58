"""Attributes of Perspective, by text. Here they were recorded; your own classifier takes their place."""

import json
from pathlib import Path

import weir

BRIDGING = ["reasoning", "personal_story", "affinity", "compassion", "respect", "curiosity"]
OUTRAGE = ["fearmongering", "generalization", "scapegoating", "moral_outrage", "alienation"]
TOXIC = ["toxicity", "identity_attack", "insult", "threat"]


@weir.scorer(outputs=BRIDGING + OUTRAGE + TOXIC, reads=["text"])
class Perspective:
    def setup(self, device):
        recorded = Path(__file__).with_name("scores.json")
        self.scores = json.loads(recorded.read_text(encoding="utf-8"))

    def score(self, items):
        return [self.scores.get(item.text) for item in items]
