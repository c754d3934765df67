"""What becomes of errors that nobody thought of."""

import pytest

from retrieverkit.cli import main
from retrieverkit.index import Index


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
