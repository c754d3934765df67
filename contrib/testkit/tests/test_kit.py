"""The kit itself: good retrievers pass, wrong uses are told, and results can be read."""

import json
import subprocess
import sys

import pytest
from kit_bad_plain import GrowsTired, HiddenLimit
from kit_good import EVERYTHING, AsyncWords, Words, good
from kit_modes import CorpusWords, WordsPlugin

from retrieverkit.discovery import Discovery
from retrieverkit_core.errors import ConfigError, UnknownModeError
from retrieverkit_core.plugin import ModeSpec
from retrieverkit_testkit import Outcome, check_retriever, for_mode, to_card
from retrieverkit_testkit.checking import all_checks


def make_async(documents):
    return AsyncWords(documents)


class Maker:
    def make(self, documents):
        return Words(documents)


@pytest.mark.parametrize("factory", [good, make_async, Maker().make], ids=["sync", "async", "method"])
def test_a_good_retriever_passes_everything(factory):
    report = check_retriever(factory, capabilities=EVERYTHING)
    assert report.ok, report
    skipped = [result.reason for result in report if result.outcome is Outcome.SKIPPED]
    of_modes = [reason for reason in skipped if "naughty" not in reason]
    assert len(of_modes) < 36
    assert all("mode" in reason or "fields" in reason for reason in of_modes)


def test_a_good_mode_passes_everything(site):
    site.add()
    report = check_retriever(for_mode("words", discovery=Discovery()), capabilities=EVERYTHING)
    assert report.ok, report
    assert {result.reason for result in report if result.outcome is Outcome.SKIPPED} <= {
        "the mode keeps no files in the index's folder",
        "naughty_strings.jsonl is not at hand (RETRIEVERKIT_DATA names its folder)",
    }


def test_a_check_of_what_is_not_declared_is_skipped_with_that_reason():
    report = check_retriever(good, capabilities=[], only=["asking_again_gives_the_same"])
    assert [(one.outcome, one.reason) for one in report] == [
        (Outcome.SKIPPED, "capability deterministic is not declared")
    ]


def test_an_expected_failure_is_strict():
    expected = {"everything_that_matches_is_found": "the engine stops at ten"}
    bad = check_retriever(lambda d: HiddenLimit(d), capabilities=EVERYTHING, expected_failures=expected, only=expected)
    assert bad.ok
    assert bad[0].outcome is Outcome.EXPECTED_FAILURE
    assert "the engine stops at ten" in bad[0].reason
    mended = check_retriever(good, capabilities=EVERYTHING, expected_failures=expected, only=expected)
    assert not mended.ok
    assert mended[0].outcome is Outcome.UNEXPECTED_PASS


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        (Words, "lambda documents: Words"),
        (lambda documents: None, "return retriever"),
        (lambda documents: Words, "the class Words"),
        (lambda documents: [1], "no BaseRetriever"),
        (lambda: None, "TypeError"),
        (Words([]), "one retriever"),
        (None, "no factory"),
        (3, "no factory"),
        (lambda documents, one=Words([]): one, "same retriever twice"),
        ("bm25(", "column"),
    ],
)
def test_what_makes_no_retriever_is_a_config_error_with_a_fix(factory, told):
    with pytest.raises(ConfigError, match="fix:|column") as caught:
        check_retriever(factory)
    assert told in str(caught.value)


def test_a_mode_that_is_not_installed_names_the_near_one():
    with pytest.raises(UnknownModeError):
        check_retriever("no_such_mode")


def test_a_mode_without_a_corpus_cannot_be_tested_on_an_index():
    class NeedsNothing(WordsPlugin):
        spec = ModeSpec(name="words", summary="")

        def __init__(self):
            self.retriever = CorpusWords

    discovery = Discovery()
    discovery.register_mode("words", NeedsNothing())
    with pytest.raises(ConfigError, match=r"Need\.CORPUS"):
        check_retriever(for_mode("words", discovery=discovery))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"only": ["top_k_is_keptt"]}, "did you mean 'top_k_is_kept'"),
        ({"only": "nonsense"}, "there are:"),
        ({"expected_failures": {"top_k_is_keptt": "because"}}, "did you mean"),
        ({"expected_failures": {"top_k_is_kept": " "}}, "say why"),
        ({"expected_failures": ["top_k_is_kept"]}, "reason"),
        ({"capabilities": ["determinstic"]}, "did you mean 'deterministic'"),
        ({"capabilities": "exhaustve"}, "did you mean 'exhaustive'"),
        ({"capabilities": [None]}, "there are:"),
    ],
)
def test_unknown_names_are_config_errors_with_the_near_ones(given, told):
    with pytest.raises(ConfigError, match="fix:") as caught:
        check_retriever(good, **given)
    assert told in str(caught.value)


def test_a_retriever_that_hangs_does_not_hang_the_kit(monkeypatch):
    class Hangs(Words):
        def _retrieve(self, query_bundle):
            stop.wait(60)
            return super()._retrieve(query_bundle)

    import threading

    stop = threading.Event()
    monkeypatch.setattr("retrieverkit_testkit.running.TIME_LIMIT", 0.2)
    (result,) = check_retriever(lambda d: Hangs(d), only=["hits_are_scored_nodes"])
    stop.set()
    assert result.outcome is Outcome.FAILED
    assert "did not end" in result.reason


def test_every_check_says_what_it_promises_and_how_to_mend():
    for check in all_checks():
        assert check.promise, check.name
        assert check.mend, check.name
    names = [check.name for check in all_checks()]
    assert len(names) == len(set(names))


def test_the_card_is_inert_json_and_the_same_for_the_same():
    def card():
        report = check_retriever(lambda d: GrowsTired(d), quick=True, only=["top_k_is_kept", "ties_are_stable"])
        made = json.loads(json.dumps(to_card(report), allow_nan=False))
        made.pop("seconds")
        return {**made, "checks": [{k: v for k, v in one.items() if k != "seconds"} for one in made["checks"]]}

    one = card()
    assert one == card()
    assert one["conforms"] is False
    assert one["quick"] is True
    assert one["capabilities"] == ["deterministic", "ranks-by-query"]
    assert one["counts"] == {"passed": 1, "failed": 1, "skipped": 0, "expected_failure": 0, "unexpected_pass": 0}
    assert {check["name"]: check["outcome"] for check in one["checks"]} == {
        "top_k_is_kept": "passed",
        "ties_are_stable": "failed",
    }


def test_the_card_of_a_mode_names_its_distribution(site):
    site.add(name="kit-card")
    report = check_retriever(for_mode("words", discovery=Discovery()), only=["top_k_is_kept"])
    card = to_card(report)
    assert (card["mode"], card["distribution"], card["version"]) == ("words", "kit-card", "1.0")
    assert card["conforms"] is True


def test_the_kit_needs_no_pytest():
    program = "import sys; sys.modules['pytest'] = None; sys.path.insert(0, sys.argv[1])\n"
    program += "from kit_good import good; from retrieverkit_testkit import check_retriever, to_card\n"
    program += "print(check_retriever(good, quick=True).ok)"
    support = str(__file__).replace("test_kit.py", "support")
    done = subprocess.run([sys.executable, "-c", program, support], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("True", "")
