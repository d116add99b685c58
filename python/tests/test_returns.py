import unittest
from decimal import Decimal

import support  # noqa: F401

from weir.columns import to_columns
from weir.failures import BadReturn
from weir.items import Missing


class Array:
    """Stands for an array of numpy, torch or pandas."""

    def __init__(self, values):
        self.values = values

    def tolist(self):
        return self.values


class Frame:
    """Stands for a data frame of pandas."""

    def __init__(self, columns):
        self.columns = columns

    def __getitem__(self, name):
        return Array(self.columns[name])


def one(result, count=2):
    return to_columns(result, ["score"], ["score"], count)


def two(result, count=2, wanted=("a", "b")):
    return to_columns(result, ["a", "b"], wanted, count)


class Returns(unittest.TestCase):
    def test_rows_of_one_output_are_numbers(self):
        for result in ([1, 0.5], (1, 0.5), Array([1, 0.5]), iter([1, 0.5]), [Array(1), Array(0.5)], [(1,), [0.5]]):
            self.assertEqual(one(result), ({"score": [1, 0.5]}, {}))

    def test_rows_of_several_outputs_are_tuples_mappings_or_arrays(self):
        expected = ({"a": [1, 3], "b": [2, 4]}, {})
        for result in (
            [(1, 2), (3, 4)],
            [[1, 2], [3, 4]],
            Array([[1, 2], [3, 4]]),
            [Array([1, 2]), Array([3, 4])],
            [{"a": 1, "b": 2}, {"b": 4, "a": 3, "more": 5}],
        ):
            self.assertEqual(two(result), expected)

    def test_columns_are_a_mapping_or_a_data_frame(self):
        expected = ({"a": [1, 3], "b": [2, 4]}, {})
        for result in (
            {"a": [1, 3], "b": (2, 4)},
            {"a": Array([1, 3]), "b": iter([2, 4]), "more": None},
            Frame({"a": [1, 3], "b": [2, 4]}),
        ):
            self.assertEqual(two(result), expected)

    def test_only_wanted_columns_are_given(self):
        self.assertEqual(two([(1, 2), (3, 4)], wanted=["b"]), ({"b": [2, 4]}, {}))
        self.assertEqual(two({"b": [2, 4]}, wanted=["b"]), ({"b": [2, 4]}, {}))

    def test_none_is_an_answer_and_missing_is_a_failure(self):
        self.assertEqual(one([None, Missing("too long")]), ({"score": [None, None]}, {"1": "too long"}))
        self.assertEqual(two([None, Missing("why")]), ({"a": [None, None], "b": [None, None]}, {"1": "why"}))

    def test_an_item_with_one_missing_column_has_none(self):
        self.assertEqual(two({"a": [1, 2], "b": [Missing("why"), 4]}), ({"a": [None, 2], "b": [None, 4]}, {"0": "why"}))

    def test_what_is_not_finite_is_no_score(self):
        values = [float("nan"), float("inf"), -float("inf"), Array(float("nan")), 10**400, Decimal("NaN")]
        self.assertEqual(one(values, 6), ({"score": [None] * 6}, {}))

    def test_numbers_of_other_kinds_become_numbers(self):
        columns, _ = one([True, False, Decimal("0.5"), 2**80], 4)
        self.assertEqual(columns["score"], [1.0, 0.0, 0.5, float(2**80)])
        self.assertNotIn(True, [value for value in columns["score"] if isinstance(value, bool)])

    def test_labels_are_text_without_lone_surrogates(self):
        self.assertEqual(one(["en", "\ud83d"]), ({"score": ["en", "?"]}, {}))

    def test_what_does_not_fit_is_refused_without_its_values(self):
        for result in (
            None, "secret", b"secret", 1.0, [1], [1, 2, 3], Array(1), object(), [object(), 1],
            [["secret", 2], ["secret", 2]], [{"secret": 1}, {"secret": 1}],
        ):  # fmt: skip
            with self.subTest(result=result), self.assertRaises(BadReturn) as caught:
                one(result)
            self.assertNotIn("secret", str(caught.exception))
        for result in (
            [1, 2], [(1,), (1,)], [(1, 2, 3), (1, 2, 3)], [{"a": 1}, {"a": 1}], {"a": [1, 2]},
            {"a": [1, 2], "b": [1]}, {"a": [1, 2], "b": "secret"}, {"a": [1, 2], "b": [[1], {}]},
        ):  # fmt: skip
            with self.subTest(result=result), self.assertRaises(BadReturn) as caught:
                two(result)
            self.assertNotIn("secret", str(caught.exception))

    def test_the_message_says_what_was_expected(self):
        with self.assertRaisesRegex(BadReturn, "expected 2 scores, found 3"):
            one([1, 2, 3])
        with self.assertRaisesRegex(BadReturn, "expected a column 'b', found none"):
            two({"a": [1, 2]})
