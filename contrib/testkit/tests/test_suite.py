"""The pytest class and the command line, in a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def pytest_run(folder, *arguments, path=()):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, path), str(SUPPORT)])}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def suite(tmp_path):
    def write(module="kit_good", name="Words", more=""):
        text = FIVE_LINES.format(support=str(SUPPORT), module=module, name=name, more=more)
        (tmp_path / "test_mine.py").write_text(text)
        return tmp_path

    return write


def test_a_good_retriever_passes(suite):
    done = pytest_run(suite(), "--quick-conformance")
    assert done.returncode == 0, done.stdout
    assert "capability lexical is not declared" in done.stdout
    assert " failed" not in done.stdout


def test_a_bad_one_fails_with_what_to_mend(suite):
    done = pytest_run(suite("kit_bad_plain", "HiddenLimit"), "-k", "everything_that_matches_is_found")
    assert done.returncode == 1
    assert "TestMine::test_check[everything_that_matches_is_found]" in done.stdout
    assert "To mend: take away hidden limits" in done.stdout


@pytest.mark.parametrize(("name", "returncode", "told"), [("HiddenLimit", 0, "xfailed"), ("ReturnsAll", 1, "FAILED")])
def test_expected_failures_are_strict(suite, name, returncode, told):
    more = "expected_failures = {'everything_that_matches_is_found': 'ten is enough'}"
    done = pytest_run(suite("kit_bad_plain", name, more), "-k", "everything_that_matches_is_found")
    assert done.returncode == returncode, done.stdout
    assert told in done.stdout
    assert "ten is enough" in done.stdout


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("def test_check(self): pass", "overrides test_check"),
        ("retriever_mode = 'bm25'", "both a retriever_mode and a factory"),
        ("factory = None", "neither a retriever_mode nor a factory"),
        ("expected_failures = {'nonsense': 'why'}", "there is no check 'nonsense'"),
        ("factory = Retriever", "is a class, not a factory"),
    ],
)
def test_wrong_suites_are_told(suite, more, told):
    done = pytest_run(suite(more=more), "-x")
    assert done.returncode != 0
    assert told in done.stdout


def test_an_installed_mode_is_checked_by_its_name(site, tmp_path):
    site.add(name="kit-named")
    arguments = ["--quick-conformance", "--retriever-capabilities", "deterministic, lexical"]
    done = pytest_run(tmp_path, "--retriever-mode", "words", *arguments, path=[site.folder])
    assert done.returncode == 0, done.stdout
    assert "words (kit-named 1.0)" in done.stdout
    assert "capability exhaustive is not declared" in done.stdout
    missing = pytest_run(tmp_path, "--retriever-mode", "no_such_mode", "-x")
    assert missing.returncode != 0
    assert "unknown retriever mode 'no_such_mode'" in missing.stdout
