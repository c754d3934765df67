"""Commands of other packages: known by metadata, imported when they are run, broken ones told by name."""

import pytest

from retrieverkit import Document, Index
from retrieverkit.cli import installed, main

COMMAND = """
import sys
from typing import Annotated
import typer
from retrieverkit_core.errors import ConfigError
print("imported", file=sys.stderr)

def greet(name: str, times: Annotated[int, typer.Option("--times")] = 1):
    \"\"\"Greet somebody.\"\"\"
    if name == "nobody":
        raise ConfigError("nobody is there", fix="name somebody")
    print("hello", name * times)

group = typer.Typer()

@group.command("show")
def show():
    print("shown")

@group.command("hide")
def hide():
    raise typer.Exit(3)

number = 7
"""


@pytest.fixture
def package(tmp_path):
    """Installs a distribution with commands into a folder of its own; returns the variables that show it."""

    def install(name, *entries, source=COMMAND):
        module = name.replace("-", "_")
        site = tmp_path / "site"
        info = site / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nSummary: Greets people.\n")
        listed = "".join(f"{command} = {module}:{thing}\n" for command, thing in entries)
        (info / "entry_points.txt").write_text(f"[retrieverkit.commands]\n{listed}")
        return {"PYTHONPATH": str(site)}

    return install


def test_a_command_is_listed_unimported_and_run(retriever, package):
    shown = package("acme-greet", ("greet", "greet"), ("say-more", "group"))
    listing = retriever("--help", **shown)
    assert "greet" in listing.stdout and "Greets people." in listing.stdout and "say-more" in listing.stdout
    assert "imported" not in listing.stderr
    assert "imported" not in retriever("modes", **shown).stderr
    assert "acme-greet" in retriever("plugins", **shown).stdout
    assert retriever("greet", "ann", "--times", "2", **shown).stdout == "hello annann\n"
    assert retriever("acme-greet:greet", "ann", **shown).stdout == "hello ann\n"
    assert "Greet somebody." in retriever("greet", "--help", **shown).stdout
    assert retriever("say-more", "show", **shown).stdout == "shown\n"
    retriever("say-more", "hide", code=3, **shown)


def test_the_line_of_a_first_party_command_says_what_it_does(retriever, package):
    shown = package("retrieverkit-property-graph", ("graph", "greet"))
    assert "Show a property graph, and add triples to it." in retriever("--help", **shown).stdout


def test_a_command_of_a_first_party_name_keeps_the_summary_of_its_package(retriever, package):
    shown = package("acme-graph", ("graph", "greet"))
    listing = retriever("--help", **shown).stdout
    assert "Show a property graph" not in listing and "Greets people." in listing


HANDED = """
import typer
from pathlib import Path

def count(context: typer.Context, folder: Path):
    tools = context.obj
    with tools.open_index(folder) as index:
        tools.out.say(f"{len(index)} nodes")
        tools.err.say("told apart")
        tools.print_json({"nodes": len(index)})
"""


def test_a_command_of_a_plugin_is_handed_what_it_needs(retriever, package, tmp_path):
    shown = package("acme-count", ("count", "count"), source=HANDED)
    Index.from_documents([Document("one")], tmp_path / "i.rk").close()
    done = retriever("count", tmp_path / "i.rk", **shown)
    assert (done.stdout, done.stderr) == ('1 nodes\n{\n  "nodes": 1\n}\n', "told apart\n")
    assert "error:" in retriever("count", tmp_path / "none.rk", code=1, **shown).stderr


def test_what_a_command_raises_becomes_a_message(retriever, package):
    shown = package("acme-greet", ("greet", "greet"))
    done = retriever("greet", "nobody", code=1, **shown)
    assert "error: nobody is there\nfix: name somebody" in done.stderr
    assert "--tims" in retriever("greet", "ann", "--tims", "2", code=2, **shown).stderr


@pytest.mark.parametrize(
    ("thing", "source", "told"),
    [
        ("number", COMMAND, "neither a typer command nor a typer app"),
        ("missing", COMMAND, "does not load"),
        ("greet", "import no_such_module", "no_such_module"),
        ("greet", "raise SystemExit(0)", "does not load"),
        ("greet", "from __future__ import annotations\ndef greet(x: Unknown = 1): ...", "neither a typer command"),
    ],
)
def test_a_broken_command_breaks_nothing_else(retriever, package, thing, source, told):
    shown = package("acme-greet", ("greet", thing), source=source)
    done = retriever("greet", "ann", code=1, **shown)
    assert "'greet' of acme-greet 1.0" in done.stderr and told in done.stderr
    assert "greet" in retriever("--help", **shown).stdout
    retriever("modes", **shown)


def test_of_two_distributions_with_one_command_one_must_be_named(retriever, package):
    package("acme-greet", ("greet", "greet"))
    shown = package("other-greet", ("greet", "greet"))
    done = retriever("greet", "ann", code=1, **shown)
    assert "acme-greet 1.0" in done.stderr and "other-greet 1.0" in done.stderr
    assert retriever("other-greet:greet", "ann", **shown).stdout == "hello ann\n"


def test_a_command_of_retriever_itself_cannot_be_replaced(retriever, package):
    shown = package("acme-greet", ("modes", "greet"))
    done = retriever("modes", **shown)
    assert "imported" not in done.stderr


def test_a_switched_off_command_says_so(retriever, package):
    shown = package("acme-greet", ("greet", "greet"))
    done = retriever("greet", "ann", code=1, RETRIEVERKIT_BLOCK="acme-greet", **shown)
    assert "RETRIEVERKIT_BLOCK" in done.stderr


def test_a_known_command_that_is_missing_names_its_package(monkeypatch, capsys):
    monkeypatch.setitem(installed.KNOWN_COMMANDS, "weigh", "retrieverkit-scales")
    assert main(["weigh"]) == 1
    assert "pip install retrieverkit-scales" in capsys.readouterr().err


@pytest.mark.needs("retrieverkit_property_graph")
def test_flags_of_commands_of_other_packages_are_shown_without_types(retriever):
    for words in (["graph"], ["graph", "show"]):
        assert "<bool>" not in retriever(*words, "--help").stdout
