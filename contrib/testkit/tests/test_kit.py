"""The kit itself: good retrievers pass, wrong uses are told, and results can be read."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from kit_bad_indexes import Vectors
from kit_bad_more import Prints, ReadsTheBeginning
from kit_bad_plain import GrowsTired, HiddenLimit
from kit_good import EVERYTHING, AsyncWords, Words, good
from kit_honest import ByTitle, KeepsNumbers, KeepsStopWords
from kit_modes import CorpusWords, WordsPlugin

from retrieverkit.discovery import Discovery
from retrieverkit_core.errors import ConfigError, UnknownModeError
from retrieverkit_core.plugin import ModeSpec
from retrieverkit_core.result import RetrievalResult
from retrieverkit_testkit import Outcome, check_retriever, for_mode, to_card
from retrieverkit_testkit.answering import answers_elsewhere
from retrieverkit_testkit.checking import all_checks
from retrieverkit_testkit.embedding import WordVectors
from retrieverkit_testkit.running import checked_capabilities, run
from retrieverkit_testkit.sources import files_of, found_factory, place_of
from retrieverkit_testkit.subjects import subject_of
from retrieverkit_testkit.unsafe_code import unsafe


def make_async(documents):
    return AsyncWords(documents)


class Maker:
    def make(self, documents):
        return Words(documents)

    @classmethod
    def of_class(cls, documents):
        return Words(documents)


@pytest.mark.slow
@pytest.mark.parametrize(("factory", "quick"), [(good, False), (make_async, True)], ids=["sync", "async"])
def test_a_good_retriever_passes_everything(factory, quick):
    report = check_retriever(factory, capabilities=EVERYTHING, quick=quick)
    assert report.ok, report
    skipped = [result.reason for result in report if result.outcome is Outcome.SKIPPED]
    of_modes = [reason for reason in skipped if "naughty" not in reason and "quick" not in reason]
    assert len(of_modes) < len(report) / 2
    assert all("mode" in reason or "fields" in reason for reason in of_modes)


@pytest.mark.slow
def test_a_good_mode_passes_everything(site):
    site.add()
    report = check_retriever(for_mode("words", discovery=Discovery()), capabilities=EVERYTHING)
    assert report.ok, report
    assert {result.reason for result in report if result.outcome is Outcome.SKIPPED} <= {
        "the mode keeps no files in the index's folder",
        "it uses no embedding of the index",
        "naughty_strings.jsonl is not at hand (RETRIEVERKIT_DATA names its folder)",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "capabilities"),
    [
        (lambda: WordsPlugin(Vectors), ["deterministic", "ranks-by-query"]),
        (lambda: WordsPlugin(ByTitle), ["deterministic"]),
        (lambda: WordsPlugin(KeepsNumbers), EVERYTHING),
        (lambda: WordsPlugin(KeepsStopWords), EVERYTHING),
    ],
    ids=["vectors", "metadata alone", "files of numbers", "no stop words"],
)
def test_honest_modes_of_other_kinds_pass(made, capabilities):
    discovery = Discovery()
    discovery.register_mode("words", made())
    mode = for_mode("words", discovery=discovery, embedding=WordVectors())
    report = check_retriever(mode, capabilities=capabilities, quick=True)
    assert report.ok, report


def test_what_reads_the_beginning_of_a_text_and_says_so_is_told_and_not_failed():
    class SaysSo(ReadsTheBeginning):
        def _retrieve(self, query_bundle):
            found = super()._retrieve(query_bundle)
            longer = any(len(node.text) > 2000 for node in self.nodes())
            return RetrievalResult(found, notes=["the end of long nodes is not read"] if longer else [])

    (result,) = check_retriever(lambda d: SaysSo(d), only=["the_end_of_a_long_node_is_read"])
    assert result.outcome is Outcome.PASSED
    assert "says so: the end of long nodes is not read" in result.reason


@pytest.mark.parametrize("factory", [Maker().make, Maker.of_class], ids=["method", "class method"])
def test_a_factory_may_be_a_method(factory):
    assert found_factory(place_of(factory))([]).retrieve("nothing") == []


def test_a_factory_of_a_package_may_import_its_neighbours(tmp_path, monkeypatch):
    package = tmp_path / "kit_fake_relative"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("from kit_good import Words\n")
    (package / "making.py").write_text(
        "from .parts import Words\n\n\ndef make(documents):\n    return Words(documents)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import kit_fake_relative.making

    task = {**place_of(kit_fake_relative.making.make), "documents": [], "queries": ["nothing"]}
    assert answers_elsewhere(task) == [[]]


@pytest.mark.slow
def test_a_script_needs_no_guard(tmp_path):
    script = tmp_path / "script.py"
    support = str(Path(__file__).parent / "support")
    script.write_text(
        f"import sys; sys.path.insert(0, {support!r})\n"
        "from kit_good import Words\n"
        "from retrieverkit_testkit import check_retriever\n\n"
        "def make(documents):\n    return Words(documents)\n\n"
        "print('checking')\n"
        "show = lambda result: print(result.name)\n"
        "print(check_retriever(make, only=['order_does_not_depend_on_the_hash_seed'], on_result=show))\n"
        "print(check_retriever(make, only=['filters_equal_brute_force'], quick=True))\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.splitlines() == [
        "checking",
        "order_does_not_depend_on_the_hash_seed",
        "make: 1 passed",
        "make: 1 passed",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"], "nothing is left in the author's folder"


def test_a_report_says_how_to_mend_and_why_checks_were_skipped():
    report = check_retriever(
        lambda d: HiddenLimit(d),
        capabilities=["exhaustive"],
        only=["equal_documents_are_found_all", "a_delete_is_seen"],
    )
    assert "To mend: take away windows of candidates" in str(report)
    assert "1 skipped: it is not given as a mode" in str(report)


def test_authors_are_not_told_to_write_to_themselves():
    class Strings(Words):
        def _retrieve(self, query_bundle):
            return ["text"]

    (result,) = check_retriever(lambda d: Strings(d), only=["evidence_names_leg_and_rank"])
    assert result.outcome is Outcome.FAILED
    assert "report it" not in result.reason


@pytest.mark.slow
def test_a_failing_tree_is_as_small_as_it_can_be():
    class LosesNulls(Words):
        def passes(self, node, query):
            leaves = [] if query.filters is None else list(query.filters.leaves())
            lost = any(leaf.operator == "!=" and leaf.key == "year" and "year" not in node.metadata for leaf in leaves)
            return super().passes(node, query) and not lost

    (result,) = check_retriever(lambda d: LosesNulls(d), only=["filters_equal_brute_force"])
    assert result.outcome is Outcome.FAILED
    assert len(result.reason) < 200, result.reason


@pytest.mark.parametrize("name", ["pushed_filters_are_applied", "every_operator_alone", "hostile_queries_are_answered"])
def test_a_slow_retriever_is_asked_less(name):
    asked = []

    class Counts(Words):
        def _retrieve(self, query_bundle):
            asked.append(query_bundle)
            return super()._retrieve(query_bundle)

    subject = subject_of(lambda d: Counts(d))
    subject.pace = 0.7
    asked.clear()
    (check,) = (check for check in all_checks() if check.name == name)
    assert run(check, subject, checked_capabilities(None)).ok
    assert 2 < len(asked) * subject.pace < 60


def test_a_check_sees_what_is_left_changed():
    (result,) = check_retriever(lambda d: Prints(d), only=["a_filter_that_nothing_passes"])
    assert result.outcome is Outcome.FAILED
    assert "printed to stdout" in result.reason


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import yaml\nyaml.load('', Loader=yaml.SafeLoader)\n", ()),
        ("from yaml import CSafeLoader, load\nload('', CSafeLoader)\n", ()),
        ("from . import pickle\nmodel = object()\nmodel.load('x')\n", ()),
        ("from yaml import UnsafeLoader, load\nload('', Loader=UnsafeLoader)\n", ("yaml.load",)),
        ("from yaml import load as read\nread('')\n", ("yaml.load",)),
        ("import yaml as y\nparse = y.full_load\n", ("yaml.full_load",)),
        ("from torch import load\nload('x')\n", ("torch.load",)),
        ("import importlib\nimportlib.import_module('pickle')\n", ("pickle",)),
        ("import builtins as b\nb.eval('1')\n", ("builtins.eval",)),
        ("run = eval\nrun('1')\n", ("eval",)),
        ("import numpy\nnumpy.load('x', allow_pickle=True)\n", ("allow_pickle",)),
        ("from sklearn.externals import joblib\n", ("sklearn.externals.joblib",)),
    ],
)
def test_unsafe_code_is_found_by_what_names_mean(tmp_path, source, found):
    path = tmp_path / "code.py"
    path.write_text(source)
    assert tuple(sorted({name for _, name in unsafe(path)})) == found


def test_a_namespace_is_not_the_authors_package(tmp_path, monkeypatch):
    for vendor, text in (("mine", "from kit_good import Words as Mine\n"), ("theirs", "import pickle\n")):
        (tmp_path / "kit_fake_space" / vendor).mkdir(parents=True)
        (tmp_path / "kit_fake_space" / vendor / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("kit_fake_space.mine")
    assert [path.parent.name for path in files_of("kit_fake_space.mine")] == ["mine"]


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
        (lambda documents: [1], "not a BaseRetriever"),
        (lambda: None, "TypeError"),
        (Words([]), "one retriever"),
        (None, "not a factory"),
        (3, "not a factory"),
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
    program += "print(check_retriever(good, quick=True, only=['top_k_is_kept', 'filters_equal_brute_force']).ok)"
    support = str(__file__).replace("test_kit.py", "support")
    done = subprocess.run([sys.executable, "-c", program, support], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("True", "")
