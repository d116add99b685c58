import unittest
from datetime import datetime, timezone
from typing import Any, Dict, List, Literal, Optional, Union

import support  # noqa: F401

from weir.arguments import Signature
from weir.failures import ArgumentError, DefinitionError


def job(
    text: str,
    n: int = 20,
    share: float = 0.5,
    full: bool = False,
    since: Optional[datetime] = None,
    kind: Literal["post", "comment"] = "post",
    names: List[str] = (),
    weights: Dict[str, float] = {},
    either: Union[int, str] = 0,
    free=None,
    anything: Any = None,
):
    pass


class Arguments(unittest.TestCase):
    def setUp(self):
        self.signature = Signature(job)

    def refused(self, path, **args):
        with self.assertRaises(ArgumentError) as caught:
            self.signature.read({"text": "a", **args})
        self.assertEqual(caught.exception.path, path)
        return str(caught.exception)

    def test_values_that_fit_are_converted(self):
        read = self.signature.read(
            {
                "text": "a", "n": 5.0, "share": 1, "full": True, "since": "2026-11-24T03:00:00Z", "kind": "comment",
                "names": ["x"], "weights": {"y": 2}, "either": "z", "free": [1], "anything": {"q": None},
            }
        )  # fmt: skip
        self.assertEqual(read["since"], datetime(2026, 11, 24, 3, tzinfo=timezone.utc))
        self.assertEqual((read["n"], read["share"], read["weights"]), (5, 1.0, {"y": 2.0}))
        self.assertIsInstance(read["n"], int)
        self.assertEqual(self.signature.read({"text": "a", "since": None})["since"], None)

    def test_values_that_do_not_fit_are_named_by_their_path(self):
        self.assertIn("expected a whole number, found text", self.refused("args.n", n="secret"))
        self.assertNotIn("secret", self.refused("args.n", n="secret"))
        self.refused("args.n", n=True)
        self.refused("args.n", n=5.5)
        self.refused("args.share", share=False)
        self.refused("args.full", full=1)
        self.refused("args.since", since="yesterday")
        self.refused("args.since", since=5)
        self.assertIn("'post', 'comment'", self.refused("args.kind", kind="reply"))
        self.refused("args.names", names="x")
        self.refused("args.names[1]", names=["x", 1])
        self.refused("args.weights.y", weights={"y": None})
        self.refused("args.either", either=[])
        self.assertIn("known are: text, n", self.refused("args.nn", nn=1))

    def test_a_required_argument_must_be_there(self):
        with self.assertRaisesRegex(ArgumentError, "args.text: the argument is required"):
            self.signature.read({})
        with self.assertRaisesRegex(ArgumentError, "expected an object, found a list"):
            self.signature.read([])

    def test_the_schema_describes_the_signature(self):
        schema = self.signature.schema
        self.assertEqual(schema["required"], ["text"])
        self.assertIs(schema["additionalProperties"], False)
        properties = schema["properties"]
        self.assertEqual(properties["n"], {"type": "integer", "default": 20})
        self.assertEqual(properties["kind"], {"enum": ["post", "comment"], "default": "post"})
        self.assertEqual(properties["since"]["anyOf"][1], {"type": "null"})
        self.assertEqual(properties["weights"]["additionalProperties"], {"type": "number"})

    def test_keyword_arguments_allow_any(self):
        def open_job(**kwargs: Any):
            pass

        signature = Signature(open_job)
        self.assertEqual(signature.read({"a": 1}), {"a": 1})
        self.assertIs(signature.schema["additionalProperties"], True)
        self.assertEqual(signature.write((), {"a": 1}), {"a": 1})

    def test_a_call_is_written_by_name(self):
        since = datetime(2026, 11, 24, tzinfo=timezone.utc)
        written = self.signature.write(("a", 5), {"since": since})
        self.assertEqual(written, {"text": "a", "n": 5, "since": "2026-11-24T00:00:00+00:00"})
        with self.assertRaises(TypeError):
            self.signature.write((), {})
        with self.assertRaises(ArgumentError):
            self.signature.write(("a", "five"), {})

    def test_a_model_is_validated_and_not_quoted(self):
        class Model:
            @classmethod
            def model_validate(cls, value):
                if value != {"ok": 1}:
                    raise ValueError("secret")
                return cls()

            @classmethod
            def model_json_schema(cls):
                return {"type": "object"}

        def with_model(model):
            pass

        with_model.__annotations__["model"] = Model
        signature = Signature(with_model)
        self.assertIsInstance(signature.read({"model": {"ok": 1}})["model"], Model)
        with self.assertRaises(ArgumentError) as caught:
            signature.read({"model": {}})
        self.assertNotIn("secret", str(caught.exception))

    def test_what_cannot_be_sent_is_refused_at_definition(self):
        def positional(*args):
            pass

        def set_of(values: set):
            pass

        def keys(values: Dict[int, str]):
            pass

        def unknown(value: "Nowhere"):  # noqa: F821
            pass

        for function in (positional, set_of, keys, unknown):
            with self.subTest(function.__name__), self.assertRaises(DefinitionError):
                Signature(function)
