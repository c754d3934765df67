"""Errors cross processes."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from retrieverkit_core import errors

MADE = [
    errors.RetrieverKitError("what", fix="do"),
    errors.ModeStringError("unexpected", text="bm25(", column=5, fix="close it"),
    errors.UnknownModeError("bm52", known=["bm25"]),
    errors.UnknownModeError("vector", distribution="retrieverkit-vector"),
    errors.ModeConflictError("bm25", ["a 1", "b 2"]),
    errors.UnknownOptionError("bm25", "topk", known=["top_k"]),
    errors.OptionError("bm25", [("top_k", "is negative")]),
    errors.PluginContractError("broken", mode="m", distribution="d 1"),
    errors.FilterSyntaxError("unexpected", text="a ==", column=4),
    errors.UnknownFieldError("yaer", known=["year"]),
    errors.UnknownFieldError("yaer"),
    errors.DeadlineExceededError("bm25", 0.5),
    errors.DeadlineExceededError("bm25", None),
    errors.RecursionLimitError(["a", "b", "a"]),
    errors.AllLegsFailedError({"bm25": errors.DeadlineExceededError("bm25", 1.0), "x": KeyError("k")}),
    errors.BudgetExceededError("llm_calls", 3, 3),
    errors.BatchError([None, []], {0: ValueError("v")}),
    errors.InvalidDocumentError("d", "is empty"),
    errors.StorageFullError("full"),
    errors.EndpointError("refused", status=429, retryable=True),
    errors.ReadError("a/b.txt", "cannot be read"),
]


def same(copy, error):
    assert type(copy) is type(error)
    assert (str(copy), copy.args) == (str(error), error.args)
    assert {name: repr(value) for name, value in vars(copy).items()} == {k: repr(v) for k, v in vars(error).items()}
    return True


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_a_copy_of_an_error_is_the_same(error):
    same(pickle.loads(pickle.dumps(error)), error)


def raise_it(at):
    raise MADE[at]


def test_errors_come_back_from_other_processes():
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        for at, error in enumerate(MADE):
            assert same(pool.submit(raise_it, at).exception(60), error)


def test_every_leg_that_failed_has_a_line_of_its_own():
    error = errors.AllLegsFailedError({"bm25": errors.DeadlineExceededError("bm25", 0.001), "vector": KeyError("k")})
    assert error.message.split("\n") == [
        "every leg failed",
        "  bm25: bm25 did not answer within 0.001 s",
        "  vector: KeyError: 'k'",
    ]


def test_what_was_left_of_a_short_limit_is_rounded():
    shown = [errors.DeadlineExceededError("bm25", left).message.split()[-2] for left in (0.000515528, 0.25, 1234.5)]
    assert shown == ["0.0005", "0.25", "1234.5"]
