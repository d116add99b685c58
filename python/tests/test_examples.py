import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import types
import unittest
from unittest import mock

from support import ROOT, Worker

import weir
import weir.testing

EXAMPLES = os.path.join(ROOT, "examples", "python")
POSTS = [
    ("reddit", "2024-05-02 10:00:00", "We saw Ada Lovelace in London. Nobody else came."),
    ("reddit", "2024-05-03 10:00:00", "They say London is large, and London is."),
    ("twitter", "2024-05-04 10:00:00", "nothing to see"),
    ("twitter", "2020-01-01 00:00:00", "So old is london"),
]
PERIOD = {"from_": "2024-05-01", "to": "2024-06-30"}


def stub(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    return mock.patch.dict(sys.modules, {name: module})


class Tutorial(unittest.TestCase):
    def test_the_scorer_of_the_tutorial_gives_what_the_tutorial_says(self):
        with open(os.path.join(ROOT, "docs", "python.md"), encoding="utf-8") as file:
            page = file.read()
        source = page[page.index("`mine.py`") :].split("```python")[1].split("```")[0]
        call, shown = re.search(r"print\((.*)\)'\n *(\{.*\})", page).groups()
        mine = types.ModuleType("mine")
        exec(textwrap.dedent(source), vars(mine))
        self.assertEqual(str(eval(call, {"weir": weir, "mine": mine})), shown)


class Tasks(unittest.TestCase):
    """The sample tasks as a process of Weir runs them, over a database of the challenge's schema."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "posts.db")
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE posts (platform TEXT, created_at TEXT, post_blob TEXT)")
        rows = [(platform, at, json.dumps({"text": text})) for platform, at, text in POSTS]
        connection.executemany("INSERT INTO posts VALUES (?, ?, ?)", rows)
        connection.commit()
        connection.close()
        command = [sys.executable, "-m", "weir.worker", os.path.join(EXAMPLES, "tasks.py")]
        self.worker = Worker(
            command=command, env={"WEIR_DATABASE_URL": f"sqlite://{path}", "PYTHONDONTWRITEBYTECODE": "1"}
        )
        self.addCleanup(self.worker.__exit__)
        self.jobs = self.worker.initialize(role="job")["jobs"]

    def run_job(self, job, **args):
        return self.worker.result("run_job", job=job, args=args, job_id="j", token=1, attempt=1)

    def test_a_query_answers_rows(self):
        rows = self.run_job("query_posts_db", query="SELECT platform, COUNT(*) FROM posts GROUP BY 1 ORDER BY 1")
        self.assertEqual(rows, [["reddit", 2], ["twitter", 2]])
        error = self.worker.error("run_job", job="query_posts_db", args={"query": "SELECT secret"})
        self.assertEqual((error["data"]["type"], error["data"]["file"]), ("OperationalError", "tasks.py"))

    def test_matches_are_counted_by_platform(self):
        found = self.run_job("substring_matches_by_platform", match="london", **PERIOD)
        self.assertEqual(found, {"reddit": 2, "total_rows": 3})

    def test_names_are_counted_once_a_post(self):
        found = self.run_job("count_top_named_entities", k=1, **PERIOD)
        self.assertEqual(found["top_named_entities"], [["London", 2]])
        self.assertEqual(self.worker.notifications[-1]["params"]["done"], 3)
        announced = self.jobs["count_top_named_entities"]
        self.assertEqual(announced["result_key"], "my_worker:scheduled:top_named_entities")


class Scorers(unittest.TestCase):
    def load(self, name):
        with mock.patch.object(sys, "dont_write_bytecode", True), mock.patch.object(sys, "path", [EXAMPLES, *sys.path]):
            return __import__(name)

    def test_the_sample_scorers_score(self):
        class Analyzer:
            def polarity_scores(self, text):
                return {"compound": 0.5 if "good" in text else -0.5}

        with stub("vaderSentiment"), stub("vaderSentiment.vaderSentiment", SentimentIntensityAnalyzer=Analyzer):
            scorers = self.load("scorers")
        scores = weir.testing.score(scorers.sentiment_scorer, ["good", "bad"])
        self.assertEqual(scores, {"score": [0.5, -0.5]})
        scores = weir.testing.score(scorers.random_scorer, ["a", "please fail"])
        self.assertIsInstance(scores["score"][0], float)
        self.assertEqual(list(scores.errors), [1])

    def test_the_sample_scraper_gives_tweets(self):
        class Tweet:
            def dict(self):
                return {"id_str": "1849", "rawContent": "formula one"}

        class API:
            pool = mock.Mock(add_account=mock.AsyncMock())

            def search(self, query, limit, kv):
                return [Tweet()] * limit

        async def gather(tweets):
            return list(tweets)

        account = dict.fromkeys(("TWITTER_SESSION_COOKIE", "TWITTER_USERNAME", "TWITTER_EMAIL"), "x")
        with stub("twscrape", API=API, gather=gather), mock.patch.dict(os.environ, account):
            scraper = self.load("scraper")
            page = weir.testing.fetch(scraper.twitter_search_top, query="formula one", limit=2)
        self.assertEqual([post["id_str"] for post in page.posts], ["1849", "1849"])


@unittest.skipUnless(shutil.which("Rscript"), "R is not installed")
class R(unittest.TestCase):
    def test_the_program_in_r_scores_and_runs_jobs(self):
        command = ["Rscript", "--vanilla", os.path.join(ROOT, "examples", "r", "scorer.R")]
        if subprocess.run(["Rscript", "-e", "library(jsonlite)"], capture_output=True).returncode:
            self.skipTest("the R package jsonlite is not installed")
        with Worker(command=command) as worker:
            answer = worker.initialize("lexical")
            self.assertEqual(answer["scorers"]["lexical"], {"outputs": ["diversity", "words"], "reads": ["text"]})
            columns = worker.score("lexical", "so so good", "", outputs=["words", "diversity"])["columns"]
            self.assertEqual(columns["words"], [3, 0])
            self.assertAlmostEqual(columns["diversity"][0], 2 / 3)
            self.assertIsNone(columns["diversity"][1])
            self.assertEqual(worker.score("lexical", "é", outputs=["words"])["columns"], {"words": [1]})
            self.assertEqual(worker.result("run_job", job="square", args={"x": 4}), 16)
            self.assertEqual(worker.error("run_job", job="square", args={"x": "secret"})["code"], -32000)
            self.assertEqual(worker.error("nothing")["code"], -32601)
            worker.notify("cancel", id=1)
            self.assertEqual(worker.error("score", function="nobody", items=[])["code"], -32001)
            self.assertEqual(worker.end(), 0)


if __name__ == "__main__":
    unittest.main()
