"""What becomes of errors that nobody thought of."""

import subprocess
import sys

import pytest

from retrieverkit.cli import main
from retrieverkit.index import Index
from retrieverkit_core.nodes import Document


@pytest.fixture
def broken(monkeypatch, tmp_path):
    def fail(*arguments, **options):
        raise ZeroDivisionError("by \x1b[31m nought")

    monkeypatch.setattr(Index, "open", fail)
    return ["reindex", "--index", str(tmp_path)]


def test_a_bug_is_called_a_bug_in_two_lines(broken, capsys):
    assert main(broken) == 1
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 2
    assert err.startswith("error: ZeroDivisionError: by \\x1b[31m nought (this is a bug")


def test_the_traceback_is_there_when_asked_for(broken, capsys, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_DEBUG", "1")
    assert main(broken) == 1
    assert "Traceback" in (err := capsys.readouterr().err) and "\x1b" not in err


def test_without_arguments_the_help_is_shown(capsys):
    assert main([]) == 0
    assert "Usage: retriever" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("retriever ")


def test_a_misspelt_command_is_guessed(capsys):
    assert main(["serch"]) == 2
    assert "'search'" in capsys.readouterr().err


INTERRUPTED = """
import importlib.abc, sys

class Interrupts(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from retrieverkit.cli import main
sys.exit(main(["search", "x", "--index", "nowhere"]))
"""


@pytest.mark.parametrize(
    "module", ["retrieverkit.cli.running", "typer", "retrieverkit.cli.app", "retrieverkit_core", "retrieverkit.index"]
)
def test_an_interrupt_while_the_command_is_imported_ends_it_quietly(module, environment, tmp_path):
    command = [sys.executable, "-c", INTERRUPTED, module]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=tmp_path, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_the_version_needs_nothing_of_the_contract(environment):
    program = (
        "import sys; from retrieverkit.cli import main; main(['--version']); "
        "print(*{'pydantic', 'retrieverkit_core', 'rich', 'sqlite3'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, text=True, check=True)
    assert done.stdout.splitlines()[1:] == [""]


def _completing(words):
    at = len(words.split()) - 1
    return {"_RETRIEVER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ([], {"_RETRIEVER_COMPLETE": "complete_bash", "COMP_WORDS": "retriever se", "COMP_CWORD": "1"}, "search"),
        ([], {"_RETRIEVER_COMPLETE": "complete_bash", "COMP_WORDS": "retriever --ver", "COMP_CWORD": "1"}, "--version"),
        ([], _completing("retriever search x --inde"), "--index"),
        ([], _completing("retriever config init --outp"), "--output"),
        (["modes"], {}, "mode"),
        (["--log-level", "info", "modes"], {}, "mode"),
    ],
)
def test_names_are_listed_without_pydantic(environment, arguments, variables, said):
    program = (
        "import atexit, sys; from retrieverkit.cli import main; "
        "atexit.register(lambda: print('pydantic' in sys.modules, file=sys.stderr)); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, env={**environment, **variables}, text=True, check=True)
    assert done.stdout.split()[0] == said and done.stderr == "False\n"


@pytest.mark.needs("retrieverkit_bm25")
def test_a_search_of_an_index_imports_nothing_that_reads_files_or_asks_models(environment, tmp_path):
    with Index.create(tmp_path / "plant.rk") as index:
        index.add([Document(id="a", text="coolant pump")])
    program = (
        "import atexit, sys; from retrieverkit.cli import main; loaded = lambda: {'asyncio', 'numpy', 'rich', 'html', "
        "'retrieverkit.reading.finding', 'retrieverkit.reading.report', 'retrieverkit.reading.splitting', "
        "'retrieverkit.asked_models.embeddings', 'retrieverkit.asked_models.language', 'retrieverkit.files'} "
        "& set(sys.modules); atexit.register(lambda: print(*loaded(), file=sys.stderr)); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "search", "pump", "--index", "plant.rk", "--mode", "bm25"]
    done = subprocess.run(command, capture_output=True, env=environment, text=True, check=True, cwd=tmp_path)
    assert done.stderr == "\n" and "coolant pump" in done.stdout


def test_public_names_are_imported_when_they_are_asked_for():
    program = (
        "import sys, retrieverkit; assert 'retrieverkit_core' not in sys.modules; "
        "assert set(retrieverkit.__all__) <= set(dir(retrieverkit)); "
        "from retrieverkit import *; assert Index is retrieverkit.Index and Document(text='x').text == 'x'; "
        "assert not hasattr(retrieverkit, 'Indx')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.needs("retrieverkit_bm25")
def test_what_is_logged_is_shown_where_it_is_asked_for(retriever, tmp_path):
    with Index.create(tmp_path / "plant.rk") as index:
        index.add([Document(id=str(n), text="coolant pump") for n in range(3)])
        index.retrieve("pump", "bm25")
        index.add([Document(id=f"new{n}", text="coolant pump") for n in range(9)])
    done = retriever("-v", "search", "pump", "-i", "plant.rk", "-m", "bm25")
    assert "info: index bm25 is built again" in done.stderr
    index = Index.open(tmp_path / "plant.rk")
    index.add([Document(id=f"newer{n}", text="coolant pump") for n in range(99)])
    index.close()
    done = retriever("search", "pump", "-i", "plant.rk", "-m", "bm25")
    assert done.stderr == "", "only warnings, unless more is asked for; and not what was asked for before"
    assert "--log-level takes" in retriever("--log-level", "loud", "modes", code=2).stderr


def test_help_shows_no_type_of_a_flag_and_groups_of_commands(retriever):
    assert "<bool>" not in "".join(retriever(name, "--help").stdout for name in ("search", "status", "cache"))
    told = retriever("--help").stdout
    places = [told.index(title) for title in ("─ Search ─", "─ Keep an index ─", "─ Modes and plugins ─")]
    assert places == sorted(places)
