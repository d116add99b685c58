import unittest
from datetime import datetime, timezone

import support  # noqa: F401

from weir.items import Item, Items, Reads, parse_time

POST = {"text": "secret", "title": None, "created_at": "2026-11-24T03:00:00.5Z", "engagements": {"like": 3}}


def batch(*items, sessions=(), reads=("text", "title"), item_type=None):
    entries = [{"item": item, "s": 0} for item in items]
    return Items(entries, sessions, list(reads), item_type)


class ItemsTest(unittest.TestCase):
    def test_a_batch_is_a_sequence_with_columns(self):
        items = batch({"text": "a", "title": "t"}, {})
        self.assertEqual(len(items), 2)
        self.assertEqual(items.text, ["a", ""])
        self.assertEqual(items.title, ["t", None])
        self.assertEqual([item.text for item in items], ["a", ""])
        self.assertEqual(items[0].title, "t")
        self.assertEqual([item.text for item in items[1:]], [""])
        self.assertEqual(items.raw, [{"text": "a", "title": "t"}, {}])

    def test_times_and_counts_are_read(self):
        item = batch(POST, reads=["created_at", "engagements"])[0]
        self.assertEqual(item.created_at, datetime(2026, 11, 24, 3, 0, 0, 500000, timezone.utc))
        self.assertEqual(item.engagements["like"], 3)
        self.assertIs(item.raw, POST)

    def test_a_field_that_is_not_read_is_named(self):
        items = batch({"text": "a"}, reads=["text"])
        with self.assertRaisesRegex(AttributeError, "add 'language' to the scorer's reads"):
            items[0].language
        with self.assertRaisesRegex(AttributeError, "add 'language' to the scorer's reads"):
            items.language
        with self.assertRaisesRegex(AttributeError, "no field 'languag'"):
            items[0].languag

    def test_session_and_survey_come_with_their_item(self):
        sessions = [
            {"session": {"user_id": "u1"}, "survey": {"age": "18_24"}},
            {"session": {"user_id": "u2"}, "survey": None},
        ]
        entries = [{"item": {"text": "a"}, "s": 1}, {"item": {"text": "b"}, "s": 0}]
        items = Items(entries, sessions, ["text", "session.user_id", "survey.age"])
        self.assertEqual([item.session.user_id for item in items], ["u2", "u1"])
        self.assertEqual([item.survey.get("age") for item in items], [None, "18_24"])
        with self.assertRaisesRegex(AttributeError, "add 'session.platform'"):
            items[0].session.platform

    def test_items_are_frozen_and_show_no_text(self):
        items = batch(POST)
        with self.assertRaises(AttributeError):
            items[0].text = "b"
        self.assertNotIn("secret", repr(items[0]) + repr(items))

    def test_an_item_can_be_made_for_a_test(self):
        item = Item(text="a", author_name_hash="h")
        self.assertEqual((item.text, item.author_name_hash, item.title), ("a", "h", None))

    def test_items_may_be_of_a_model(self):
        class Model:
            @classmethod
            def model_validate(cls, raw):
                made = cls()
                made.words = raw["text"].split()
                return made

        items = batch({"text": "a b"}, item_type=Model)
        self.assertEqual(items[0].words, ["a", "b"])
        self.assertEqual(items.text, ["a b"])

    def test_reads_must_be_known(self):
        with self.assertRaisesRegex(ValueError, "cannot read 'txt'"):
            Reads(["txt"])
        for name in ("session", "session.nobody", "survey.", "raw"):
            with self.subTest(name), self.assertRaises(ValueError):
                Reads([name])

    def test_times_have_a_zone(self):
        for text in (
            "2026-11-24 03:00:00",
            "2026-11-24T03:00:00Z",
            "2026-11-24T04:00:00+01:00",
            "2026-11-24T03:00:00.000000000Z",
        ):
            self.assertEqual(parse_time(text), datetime(2026, 11, 24, 3, tzinfo=timezone.utc), text)
