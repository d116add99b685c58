import unittest

import support  # noqa: F401

import weir
import weir.testing


@weir.scorer(reads=["text", "session.platform", "survey"], outputs=["length", "where"])
class Where:
    loads = 0

    def setup(self):
        Where.loads += 1

    def score(self, items):
        return [(len(i.text), i.session.platform + i.survey.get("age", "")) for i in items]


@weir.scorer(per="item")
async def fussy(item):
    return None if not item.text else weir.Missing("long") if len(item.text) > 3 else item.title


@weir.job
def topics(n: int = 20) -> dict:
    return {"n": n, "attempt": weir.current_job().attempt}


@weir.source
def board(url: str, cursor=None):
    yield {"id": url}
    return (cursor or 0) + 1


class Testing(unittest.TestCase):
    def test_a_scorer_gets_what_it_reads_and_is_loaded_once(self):
        for _ in range(2):
            scores = weir.testing.score(
                Where, ["abc"], session={"platform": "reddit", "user_id": "u"}, survey={"age": "x"}
            )
            self.assertEqual(scores, {"length": [3], "where": ["redditx"]})
        self.assertEqual(Where.loads, 1)
        self.assertEqual(
            weir.testing.score(Where, ["a"], session={"platform": "p"}, outputs=["length"]), {"length": [1]}
        )

    def test_missing_scores_are_told_apart(self):
        scores = weir.testing.score(fussy, ["", "long text", weir.Item(text="a", title="t"), {"text": "b"}])
        self.assertEqual(scores, {"score": [None, None, "t", None]})
        self.assertEqual(scores.errors, {1: "long"})

    def test_a_job_and_a_source_run(self):
        self.assertEqual(weir.testing.run_job(topics, n=5, attempt=2), {"n": 5, "attempt": 2})
        with self.assertRaises(weir.ArgumentError):
            weir.testing.run_job(topics, n="five")
        page = weir.testing.fetch(board, url="u", cursor=4)
        self.assertEqual((page.posts, page.cursor, page.more), ([{"id": "u"}], 5, False))

    def test_what_is_no_scorer_is_refused(self):
        with self.assertRaisesRegex(weir.DefinitionError, "decorate it"):
            weir.testing.score(len, ["a"])

    def test_decorated_functions_stay_what_they_were(self):
        self.assertIsInstance(Where, type)
        self.assertEqual(topics(3), {"n": 3, "attempt": 1})
        self.assertEqual(list(board("u")), [{"id": "u"}])
        self.assertFalse(weir.cancelled())
        weir.progress(1, 2)


if __name__ == "__main__":
    unittest.main()
