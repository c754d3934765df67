"""The pytest class and the command line, in a pytest of its own."""

import os
import textwrap
from pathlib import Path

import pytest
from kit_good import Words, good

from retrieverkit_core.errors import ConfigError
from retrieverkit_testkit.suite import RetrieverConformance, prepared

pytest_plugins = ["pytester"]

SUPPORT = Path(__file__).parent / "support"
FIVE_LINES = """
import sys; sys.path.insert(0, {support!r})
from retrieverkit_testkit.suite import RetrieverConformance
from {module} import {name} as Retriever

class TestMine(RetrieverConformance):
    factory = staticmethod(lambda documents: Retriever(documents))
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    {more}
"""


@pytest.fixture
def suite(pytester):
    """Write a test file with a suite, run it in this process and return what came of it."""

    def run(*arguments, module="kit_good", name="Words", more=""):
        text = FIVE_LINES.format(support=str(SUPPORT), module=module, name=name, more=more)
        pytester.path.joinpath("test_mine.py").write_text(text)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-ra", *arguments)

    return run


def test_a_good_retriever_passes(suite):
    done = suite("--quick-conformance", "-k", "top_k or what_does_not_match")
    assert done.ret == 0, done.stdout.str()
    assert "capability lexical is not declared" in done.stdout.str()
    assert " failed" not in done.stdout.str()


def test_a_bad_one_fails_with_what_to_mend(suite):
    done = suite("-k", "top_k_is_filled", module="kit_bad_plain", name="OneLess")
    assert done.ret == 1
    assert "TestMine::test_check[top_k_is_filled]" in done.stdout.str()
    assert "To mend: look for hits that are lost" in done.stdout.str()


@pytest.mark.parametrize(("name", "returncode", "told"), [("OneLess", 0, "xfailed"), ("Words", 1, "FAILED")])
def test_expected_failures_are_strict(suite, name, returncode, told):
    module = "kit_bad_plain" if name == "OneLess" else "kit_good"
    more = "expected_failures = {'top_k_is_filled': 'one less is enough'}"
    done = suite("-k", "top_k_is_filled", module=module, name=name, more=more)
    assert done.ret == returncode, done.stdout.str()
    assert told in done.stdout.str()
    assert "one less is enough" in done.stdout.str()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"test_check": lambda self: None}, "overrides test_check"),
        ({"retriever_mode": "bm25"}, "both a retriever_mode and a factory"),
        ({"factory": None}, "neither a retriever_mode nor a factory"),
        ({"expected_failures": {"nonsense": "why"}}, "there is no check 'nonsense'"),
        ({"factory": Words}, "is a class, not a factory"),
    ],
)
def test_wrong_suites_are_told(more, told, pytestconfig):
    with pytest.raises(ConfigError, match="fix:") as caught:
        prepared(type("TestMine", (RetrieverConformance,), {"factory": staticmethod(good), **more}), pytestconfig)
    assert told in str(caught.value)


def test_a_suite_may_be_quick(pytestconfig):
    subject, _ = prepared(type("TestMine", (RetrieverConformance,), {"factory": good, "quick": True}), pytestconfig)
    assert subject.quick


def test_an_installed_mode_is_checked_by_its_name(site, pytester, monkeypatch):
    site.add(name="kit-named")
    support = Path(__file__).parent / "support"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site.folder), str(support)]))
    arguments = [
        "--quick-conformance",
        "--retriever-capabilities",
        "deterministic, lexical",
        "-k",
        "top_k or last_word",
    ]
    done = pytester.runpytest_subprocess("-ra", "--retriever-mode", "words", *arguments)
    assert done.ret == 0, done.stdout.str()
    assert "words (kit-named 1.0)" in done.stdout.str()
    assert "capability exhaustive is not declared" in done.stdout.str()


def test_a_mode_that_is_not_installed_is_named(pytester):
    missing = pytester.runpytest_inprocess("--retriever-mode", "no_such_mode", "-x")
    assert missing.ret != 0
    assert "unknown retriever mode 'no_such_mode'" in missing.stdout.str()


CASSETTE_TESTS = """
    import pytest
    from retrieverkit import Index, Document
    from retrieverkit_testkit.models import ScriptedModel

    def asks(answer, query="the moon", swallow=False):
        model = ScriptedModel(lambda prompt: answer)
        with Index.from_documents([Document("a moon landing")], llm=model) as index:
            result = index.retrieve(query, "fusion(bm25, num_queries=2)")
        assert result.legs[0].note == EXPECTED

    EXPECTED = "a landing"

    @pytest.mark.parametrize("name", ["plain", "a/b: c", "ü" * 200])
    def test_one(cassette, name):
        asks(ANSWER)

    class TestIn:
        def test_one(self, cassette):
            asks(ANSWER)
"""


def test_the_fixture_replays_what_was_recorded_beside_the_test_file(pytester):
    def run(answer, *options):
        pytester.path.joinpath("test_moon.py").write_text(
            textwrap.dedent(CASSETTE_TESTS).replace("ANSWER", repr(answer))
        )
        return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", *options)

    missing = run("a landing")
    missing.assert_outcomes(errors=4)
    missing.stdout.fnmatch_lines(["*record it with pytest --record-calls"])
    run("a landing", "--record-calls").assert_outcomes(passed=4)
    folder = pytester.path / "cassettes" / "test_moon"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 4 and {"test_one-plain.jsonl", "TestIn-test_one.jsonl"} <= set(names)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run("a map").assert_outcomes(passed=4)  # what the model would say today is not asked
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    run("a map", "--record-calls").assert_outcomes(failed=4)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} != before


def test_the_fixture_fails_a_test_whose_mode_made_do_without_an_answer(pytester):
    def run(query, *options):
        source = textwrap.dedent(CASSETTE_TESTS).replace("ANSWER", "'a landing'").replace("the moon", query)
        pytester.path.joinpath("test_moon.py").write_text(source.replace("    assert result", "    # assert"))
        return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", *options)

    run("the moon", "--record-calls").assert_outcomes(passed=4)
    missed = run("the sun")
    missed.assert_outcomes(passed=4, errors=4)
    missed.stdout.fnmatch_lines(["*the cassette lacks calls of this test (1); the first:*"])
