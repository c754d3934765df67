"""``retriever modes``, ``plugins`` and ``doctor`` among good plugins and bad ones."""

import json
import subprocess
import sys
import textwrap
from importlib.util import find_spec

import pytest

GOOD = """
from collections.abc import Sequence
from typing import Annotated, Literal
from pydantic import Field
from retrieverkit_core import BaseRetriever, ModeOptions, ModeSpec, Node, NodeWithScore, RetrieverSpec
from retrieverkit_core import ScoreKind, ScoreSpec, hookimpl

class Options(ModeOptions):
    colour: str = Field(default="red", min_length=3, description="The colour to see.")
    size: int | None = Field(default=None, le=9)
    must: bool
    some: Literal["a", 1] | Sequence[Annotated[float, Field(gt=0)] | None] = "a"
    below: tuple[RetrieverSpec, ...] = ()

class One(BaseRetriever):
    def _retrieve(self, query):
        BODY
        return [NodeWithScore(node=Node(id="1", text=query.query_str), score=1.0)]

class Plugin:
    spec = ModeSpec(name="MODE", summary="Finds the query.", options=OPTIONS, scores=ScoreSpec(ScoreKind.BM25))

    @hookimpl
    def make_retriever(self, options, context):
        return One()

plugin = Plugin()
"""


class Site:
    """A folder of fake distributions that a process finds on its path."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def add(self, distribution, mode, source=GOOD, options="Options", body="pass", group="retrieverkit.modes"):
        module = distribution.replace("-", "_")
        source = source.replace("MODE", mode).replace("OPTIONS", options).replace("BODY", body)
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{mode} = {module}:plugin\n")


@pytest.fixture
def site(tmp_path, environment):
    site = Site(tmp_path / "site")
    environment["PYTHONPATH"] = str(site.folder)
    return site


@pytest.fixture
def bad_plugins(site, environment):
    # Pydantic reads all entry points for plugins of its own as it is imported, and stops at the torn one.
    environment["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    site.add("first-twin", "twin")
    site.add("second-twin", "twin")
    site.add("raises", "raising", "raise ImportError('no such engine')")
    site.add("exits", "exiting", "import sys; sys.exit(3)")
    site.add("sleeps", "sleeping", "import threading; threading.Event().wait()")
    site.add("is-none", "none", "plugin = None")
    site.add("misnamed", "Bad Name!")
    site.add("fine", "fine")
    broken = site.folder / "torn-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Name: torn\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_bytes(b"[retrieverkit.modes\n\xff")


def statuses(done):
    return {(row["mode"], row["distribution"]): row["status"] for row in json.loads(done.stdout)}


def test_listing_imports_no_engine_and_no_plugin(environment, tmp_path):
    program = """
    import sys
    from retrieverkit.cli import main
    assert main(["modes"]) == 0 and main(["plugins", "--json"]) == 0
    heavy = {"numpy", "tantivy", "pypdf", "selectolax", "sqlite3", "rich"}
    print(sorted(name for name in sys.modules if name in heavy or name.startswith("retrieverkit_")))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=tmp_path, check=True, text=True)
    loaded = done.stdout.splitlines()[-1]
    assert {name.split(".")[0] for name in json.loads(loaded.replace("'", '"'))} == {"retrieverkit_core"}


def test_bad_plugins_are_listed_and_none_is_imported(retriever, bad_plugins):
    listed = statuses(retriever("modes", "--json"))
    assert listed["twin", "first-twin"] == listed["twin", "second-twin"] == "conflict"
    assert listed["Bad Name!", "misnamed"] == "invalid"
    for mode, distribution in (("raising", "raises"), ("exiting", "exits"), ("sleeping", "sleeps"), ("fine", "fine")):
        assert listed[mode, distribution] == "available"
    table = retriever("modes").stdout
    assert "twin of first-twin: write first-twin:twin or set RETRIEVERKIT_PREFER" in table
    assert ["fine", "fine", "1.0", "available"] in [line.split() for line in table.splitlines()]


def test_plugins_tells_the_file_of_each_and_what_cannot_be_read(retriever, site, bad_plugins):
    site.add("watcher", "watch", group="retrieverkit.observers")
    told = json.loads(retriever("plugins", "--json").stdout)
    assert {"distribution": "torn"}.items() <= told["unreadable"][0].items()
    (watcher,) = (row for row in told["plugins"] if row["group"] == "retrieverkit.observers")
    assert watcher["location"] == str(site.folder / "watcher.py")
    words = retriever("plugins").stdout
    assert "unreadable: torn" in words and str(site.folder / "watcher.py") in words


def test_doctor_imports_plugins_when_asked_and_names_each_cause(retriever, bad_plugins):
    done = retriever("doctor", "--load", "--json", code=1, RETRIEVERKIT_LOAD_TIMEOUT="3")
    problems = "\n".join(json.loads(done.stdout)["problems"])
    for part in ("no such engine", "SystemExit", "sleeps 1.0", "is-none 1.0", "first-twin", "Bad Name!", "torn"):
        assert part in problems
    assert "fine" not in problems
    in_words = retriever("doctor", "--load", code=1, RETRIEVERKIT_LOAD_TIMEOUT="3").stdout
    assert in_words.count("problem: ") == len(json.loads(done.stdout)["problems"])


def test_doctor_finds_nothing_wrong_with_a_sound_installation(retriever, site):
    site.add("fine", "fine")
    done = retriever("doctor", "--load")
    assert done.stdout.endswith("nothing is wrong\n")
    assert json.loads(retriever("doctor", "--json").stdout)["packages"].keys() >= {"retrieverkit", "retrieverkit-core"}


def test_a_bad_mode_is_refused_by_name_and_cause_and_another_one_answers(retriever, notes, bad_plugins):
    for mode, parts in {
        "raising": ("raises 1.0", "no such engine"),
        "exiting": ("exits 1.0", "SystemExit"),
        "sleeping": ("sleeps 1.0", "1 s"),
        "none": ("is-none 1.0", "plugin is None"),
        "twin": ("first-twin", "second-twin", "RETRIEVERKIT_PREFER"),
    }.items():
        told = retriever("search", "x", notes, "--mode", mode, code=1, RETRIEVERKIT_LOAD_TIMEOUT="1").stderr
        assert all(part in told for part in parts), told
    assert retriever("search", "x", notes, "--mode", "fine(must=true)").stdout.startswith("1 hit · fine")
    assert retriever("search", "x", notes, "--mode", "first-twin:twin(must=true)").stdout.startswith("1 hit")


def test_show_lists_options_with_types_limits_and_defaults(retriever, site):
    site.add("fine", "fine")
    told = json.loads(retriever("modes", "show", "fine", "--json").stdout)
    options = {option["name"]: option for option in told["options"]}
    assert options["top_k"]["type"] == "int >= 0" and options["top_k"]["default"] == "5"
    assert options["colour"]["type"] == "str length >= 3" and options["colour"]["default"] == '"red"'
    assert options["size"]["type"] == "int | None <= 9" and options["size"]["default"] == "None"
    assert options["must"]["required"] and options["must"]["default"] is None
    assert options["some"]["type"] == "'a' | 1 | list of (number > 0 | None)"
    assert options["below"]["type"] == "list of retriever"
    words = retriever("modes", "show", "fine:fine").stdout
    assert words.startswith("fine: Finds the query.")
    assert "must  bool, required" in words and "The colour to see." in words
    assert "did you mean 'fine'" in retriever("modes", "show", "fina", code=1).stderr


def test_blocked_modes_say_what_blocks_them(retriever, site):
    site.add("fine", "fine")
    assert statuses(retriever("modes", "--json", RETRIEVERKIT_BLOCK="fine"))["fine", "fine"] == "blocked"
    assert "RETRIEVERKIT_BLOCK names fine" in retriever("modes", RETRIEVERKIT_BLOCK="fine").stdout
    assert "RETRIEVERKIT_BLOCK" in retriever("modes", code=1, RETRIEVERKIT_BLOCK="!!").stderr


def test_an_interrupt_ends_the_command_quietly(retriever, notes, site):
    site.add("stops", "stopping", options="ModeOptions", body="import signal; signal.raise_signal(signal.SIGINT)")
    done = retriever("search", "x", notes, "--mode", "stopping", code=130)
    assert done.stderr.splitlines()[-1] == "interrupted" and done.stdout == ""


def test_a_retriever_that_raises_is_an_error_with_its_cause(retriever, notes, site):
    site.add("fails", "failing", options="ModeOptions", body="raise ZeroDivisionError('by nought')")
    told = retriever("search", "x", notes, "--mode", "failing", code=1).stderr
    assert "by nought" in told


def test_a_mode_that_never_answers_is_left_at_the_deadline(retriever, notes, site):
    site.add("hangs", "hanging", options="ModeOptions", body="import threading; threading.Event().wait()")
    told = retriever("search", "x", notes, "--mode", "hanging", "--timeout", "0.2", code=1).stderr
    assert "did not answer within 0.2 s" in told


@pytest.mark.skipif(find_spec("retrieverkit_fusion") is None, reason="retrieverkit-fusion is not installed")
@pytest.mark.searches
def test_a_leg_that_fails_makes_the_answer_partial(retriever, notes, site):
    site.add("fails", "failing", options="ModeOptions", body="raise ZeroDivisionError('by nought')")
    done = retriever("search", "moon", notes, "--mode", "fusion(bm25, failing)", code=3)
    assert done.stdout.startswith("2 hits · fusion · ") and done.stdout.splitlines()[0].endswith(" · PARTIAL")
    assert "warning: leg failing: failed" in done.stderr and "by nought" in done.stderr
    told = json.loads(retriever("search", "moon", notes, "--mode", "fusion(bm25, failing)", "--json", code=3).stdout)
    assert told["outcome"] == "partial"


@pytest.mark.parametrize(("words", "at"), [("retriever search x --mode fin", 4), ("retriever modes show fin", 3)])
def test_modes_are_completed_without_importing_them(process, site, words, at):
    site.add("fine", "fine", "raise ImportError('not to be imported')")
    site.add("other", "other")
    done = process(_RETRIEVER_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(at))
    assert done.stdout.split() == ["fine"] and done.stderr == ""


def test_a_distribution_whose_entry_points_are_no_text_hides_no_other(retriever, tmp_path):
    info = tmp_path / "site" / "dist_b-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dist-b\nVersion: 1.0\n")
    (info / "entry_points.txt").write_bytes(bytes(range(256)))
    done = retriever("modes", "--json", PYTHONPATH=str(tmp_path / "site"))
    assert "bm25" in done.stdout
    assert "dist_b" in retriever("doctor", PYTHONPATH=str(tmp_path / "site"), code=1).stdout
