#!/usr/bin/env python3
"""Texts with the scores that the reference implementation of VADER gives them.

    pip install vaderSentiment==3.3.2
    python golden/make_sentiment.py                                        # golden/sentiment.jsonl.gz again
    python golden/make_sentiment.py --seed 7 --count 300000 --out target/golden/sentiment_7.jsonl.gz
    python golden/make_sentiment.py --posts ../shared/data --out target/golden/sentiment_posts.jsonl.gz

The same seed and count give the same texts. Each line of the output is a JSON list: text, compound, positive, neutral,
negative. `cargo nextest run --test sentiment` compares the committed file and every sentiment*.jsonl.gz in
target/golden/, which is the place for more of them and for texts by real people.
"""

import argparse
import csv
import gzip
import json
import random
import sqlite3
import sys
import tempfile
import unicodedata
from importlib.metadata import version
from pathlib import Path

from vaderSentiment import vaderSentiment as vader

REFERENCE = "3.3.2"
ANALYZER = vader.SentimentIntensityAnalyzer()

LEXICON = list(ANALYZER.lexicon)
WORDS = [word for word in LEXICON if word.isalpha()]
EMOTICONS = [word for word in LEXICON if not word.isalpha()]
BOOSTERS = list(vader.BOOSTER_DICT)
NEGATIONS = list(vader.NEGATE) + ["n't", "mayn't", "don’t", "ain'tcha"]
PHRASES = list(vader.SPECIAL_CASES) + list(vader.SENTIMENT_LADEN_IDIOMS)
EMOJI = list(ANALYZER.emojis)
FILLERS = "a an and the it is was were this that we they you about with from on in at to for day time people".split()
PIVOTS = (
    "but but but least least at very never so this without doubt no no nor or kind of sort of just enough the shit the"
    " bomb bad ass bus stop yeah right kiss of death to die for beating heart badass kind least"
).split()
PUNCTUATION = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + ["!!", "!!!", "??", "???", "?!", "...", "’", "“", "”", "…", "—"]
SPACES = [" "] * 40 + ["  ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u2003", "\u2028", "\u3000"]
ODD_LETTERS = list("ßÞþŐİıſKÅǅǈΣσςⅧⅷⒶⓐªºʰᾈᾼéÄÖ中あ한я\u0301\u200b\u200d\ufe0f\ufeff\x00\x7f🏽")

SUBJECTS = [
    "the new phone", "my landlord", "this album", "the mayor", "our team", "that restaurant", "the bus driver", "her speech",
    "the second season", "everyone at work", "the weather", "this update", "his apology", "the ending", "customer service",
]
VERBS = ["is", "was", "isn't", "wasn't", "will be", "has been", "seems", "felt", "never was", "can't be", "looks", "turned out"]
THINGS = ["the queue", "the price", "the music", "the garden", "that meeting", "the view", "the referee", "the tax bill", "dinner"]
OPENERS = ["", "", "", "honestly, ", "well, ", "ok so ", "lol ", "I think ", "we all know ", "at least ", "no doubt ", "without a doubt, "]
ENDINGS = [".", ".", "!", "!!", "!!!!!", "?", "??", "????", "...", " :)", " :(", " <3", " 😂", "😍😍", " 💔", "", " ...!?"]


class Maker:
    """Makes texts from one source of chance."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, options):
        return options[self.random.randrange(len(options))]

    def chance(self, share):
        return self.random.random() < share

    def text(self):
        return self.pick([self.sentences, self.stress, self.phrases, self.emoji_mix, self.noise])()

    def degree(self):
        """A rated word, with or without something that modifies it."""
        parts = [self.pick(WORDS)]
        if self.chance(0.5):
            parts.insert(0, self.pick(BOOSTERS))
        if self.chance(0.25):
            parts.insert(0, self.pick(NEGATIONS))
        return " ".join(parts)

    def sentence(self):
        clause = f"{self.pick(SUBJECTS)} {self.pick(VERBS)} {self.degree()}"
        kind = self.random.randrange(6)
        if kind == 0:
            clause += f", but {self.pick(THINGS)} {self.pick(VERBS)} {self.degree()}"
        elif kind == 1:
            clause += f" and {self.pick(['the least', 'at least', 'never so', 'never this', 'kind of', 'sort of'])} {self.degree()}"
        elif kind == 2:
            clause += f" because {self.pick(THINGS)} {self.pick(VERBS)} {self.pick(PHRASES)}"
        elif kind == 3:
            clause += f" with no {self.pick(WORDS)} {self.pick(['or', 'nor', 'and'])} {self.pick(WORDS)}"
        clause = self.pick(OPENERS) + clause
        if self.chance(0.15):
            clause = " ".join(word.upper() if self.chance(0.4) else word for word in clause.split(" "))
        elif self.chance(0.05):
            clause = clause.upper()
        return clause[0].upper() + clause[1:] + self.pick(ENDINGS)

    def sentences(self):
        return " ".join(self.sentence() for _ in range(self.random.randint(1, 3)))

    def token(self):
        kind = self.random.randrange(100)
        if kind < 30:
            word = self.pick(WORDS)
        elif kind < 40:
            word = self.pick(EMOTICONS)
        elif kind < 52:
            word = self.pick(BOOSTERS)
        elif kind < 64:
            word = self.pick(NEGATIONS)
        elif kind < 82:
            word = self.pick(PIVOTS)
        elif kind < 86:
            word = self.pick(EMOJI)
        elif kind < 89:
            word = self.pick(PUNCTUATION)
        else:
            word = self.pick(FILLERS)
        return self.disguise(word)

    def disguise(self, word):
        if self.chance(0.12):
            word = word.upper()
        elif self.chance(0.06):
            word = word.capitalize()
        if self.chance(0.12):
            word += self.pick(PUNCTUATION)
        if self.chance(0.06):
            word = self.pick(PUNCTUATION) + word
        if self.chance(0.02):
            at = self.random.randint(0, len(word))
            word = word[:at] + self.pick(ODD_LETTERS) + word[at:]
        if self.chance(0.01):
            word = word.replace("k", "\u212a").replace("K", "\u212a")
        return word

    def joined(self, words):
        return "".join(word + self.pick(SPACES) for word in words)

    def stress(self):
        return self.joined(self.token() for _ in range(self.random.randint(0, 24)))

    def phrases(self):
        """What idioms, negations and "but" do around few, often equal, words."""
        few = [self.pick(WORDS) for _ in range(3)]
        words = []
        for _ in range(self.random.randint(2, 14)):
            words.append(self.pick([self.pick(few), self.pick(few), self.pick(PIVOTS), self.pick(PHRASES), self.pick(BOOSTERS)]))
        if self.chance(0.5):
            words.insert(self.random.randint(0, len(words)), self.pick(["but", "But", "BUT", "but,", "'but'"]))
        return " ".join(self.disguise(word) if self.chance(0.2) else word for word in words)

    def emoji_mix(self):
        parts = []
        for _ in range(self.random.randint(1, 12)):
            parts.append(self.pick(EMOJI) if self.chance(0.5) else self.token())
            parts.append(self.pick(["", "", " ", self.pick(SPACES)]))
        return "".join(parts)

    def noise(self):
        """Characters of all scripts that this Python knows."""
        parts = []
        for _ in range(self.random.randint(1, 40)):
            kind = self.random.randrange(6)
            if kind == 0:
                parts.append(self.letter(0x80, 0x2FFF))
            elif kind == 1:
                parts.append(self.letter(0x3000, 0x1FFFF))
            elif kind == 2:
                parts.append(chr(self.random.randrange(0x80)))
            elif kind == 3:
                parts.append(self.pick(ODD_LETTERS))
            else:
                parts.append(self.token() + self.pick(["", " "]))
        return "".join(parts)

    def letter(self, low, high):
        while unicodedata.category(letter := chr(self.random.randint(low, high))) in ("Cn", "Cs"):
            pass
        return letter


def made(seed, count):
    maker = Maker(seed)
    texts = set()
    while len(texts) < count:
        text = maker.text()
        if text not in texts:
            texts.add(text)
            yield text


def posts(folder):
    """All texts under a folder of CSV files, gzipped SQLite databases of posts, and CoNLL files."""
    csv.field_size_limit(sys.maxsize)
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.reader(file):
                yield from row
                yield "\n".join(row)
    for path in sorted(folder.rglob("*.sqlite.gz")):
        with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
            copy.write(gzip.decompress(path.read_bytes()))
            copy.flush()
            for (blob,) in sqlite3.connect(copy.name).execute("SELECT post_blob FROM posts"):
                yield json.loads(blob)["text"]
    for path in sorted(folder.rglob("*.conll")):
        for block in path.read_text(encoding="utf-8", errors="replace").replace("\r", "").split("\n\n"):
            yield " ".join(line.split()[0] for line in block.split("\n") if line.strip())


def write(texts, out):
    out.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with out.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as file:
        for text in texts:
            scores = ANALYZER.polarity_scores(text)
            line = [text, scores["compound"], scores["pos"], scores["neu"], scores["neg"]]
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
    print(f"{count} texts in {out}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--count", type=int, default=24_000)
    parser.add_argument("--posts", type=Path, metavar="DIR", help="texts from the files of DIR, not made ones")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("sentiment.jsonl.gz"))
    args = parser.parse_args()
    if version("vaderSentiment") != REFERENCE:
        sys.exit(f"the reference is vaderSentiment {REFERENCE}, not {version('vaderSentiment')}")
    write(posts(args.posts) if args.posts else made(args.seed, args.count), args.out)


if __name__ == "__main__":
    main()
