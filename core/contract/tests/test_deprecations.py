"""A deprecated name warns at the user's line, says what to write, and is gone in time."""

import inspect
import warnings
from importlib.metadata import version

import pytest

from retrieverkit_core import deprecations
from retrieverkit_core.deprecations import Deprecation, RetrieverKitDeprecationWarning

OLD = Deprecation("old()", since="0.3", instead="write new()")


def old():
    OLD.warn()


def test_the_warning_names_the_release_and_what_to_write():
    with pytest.warns(RetrieverKitDeprecationWarning) as caught:
        old()
    assert str(caught[0].message) == "old() is deprecated since 0.3 and will be removed in 0.5; write new()"


def test_the_warning_points_at_the_line_that_calls():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        old()
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_it_can_be_made_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RetrieverKitDeprecationWarning)
        with pytest.raises(DeprecationWarning, match="write new"):
            old()


@pytest.mark.parametrize(("since", "removed"), [("0.1", "0.3"), ("0.9", "0.11"), ("1.2.5", "1.4")])
def test_it_is_removed_two_minors_later(since, removed):
    assert Deprecation("x", since, "y").removed == removed


def test_nothing_is_kept_longer_than_announced():
    listed = [each for each in vars(deprecations).values() if isinstance(each, Deprecation)]
    now = tuple(map(int, version("retrieverkit-core").split(".")[:2]))
    assert [str(each) for each in listed if now >= tuple(map(int, each.removed.split(".")))] == []
