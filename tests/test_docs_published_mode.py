"""The package that "Publish a mode" shows is built, installed as a stranger would, and does what the page says."""

import os
import subprocess
import sys
from pathlib import Path

import docs_runner
import pytest
from docs_pages import DOCS, Page
from workspace import BASE, ROOT

PAGE = Page(DOCS / "how-to" / "publish-a-mode.md")
UV = Path(sys.executable).with_name("uv")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("published mode")]  # one process makes the environment once


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the page's files, and a new environment with its wheel beside core, registry and testkit."""
    folder = tmp_path_factory.mktemp("acme")
    for block in PAGE.blocks:
        if block.file:
            (folder / block.file).write_text(block.code, encoding="utf-8")
    for package in (folder, *BASE):
        subprocess.run([UV, "build", "-q", "--wheel", package, "-o", folder / "dist"], check=True)
    environment = folder / "venv"
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, environment], check=True)
    install = [UV, "pip", "install", "-q", "--python", environment / "bin" / "python", "-c", ROOT / "constraints.txt"]
    subprocess.run([*install, *(folder / "dist").glob("*.whl")], check=True)
    return folder


@pytest.fixture
def environment(folder):
    environment = docs_runner.environment(folder)
    return {**environment, "PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{environment['PATH']}"}


@pytest.mark.parametrize(
    "block", [block for block in PAGE.blocks if "not run" in block.marks], ids=lambda block: block.first
)
def test_the_commands_print_what_is_shown(folder, environment, monkeypatch, block):
    monkeypatch.chdir(folder)
    for command, shown in docs_runner.commands(block):
        code, output = docs_runner.run_command(command, environment)
        assert (code, docs_runner.masked(output)) == (0, docs_runner.masked(shown)), f"{command}\n{output}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("titles(cutoff=0.6)", "a"),
        ("acme-titles:titles", "a"),
        ("titles(cutof=0.6)", "UnknownOptionError: 'cutoff'"),
        ("titles(cutoff='x')", "OptionError"),
        ("title", "UnknownModeError: 'titles'"),
    ],
)
def test_the_mode_works_in_a_config_string(folder, environment, written, expected):
    program = """
import sys
from retrieverkit import Document, Index, RetrieverKitError
index = Index.from_documents([Document(id="a", text="...", metadata={"title": "On inlet icing"})])
try:
    print(index.retrieve("on inlet iceing", sys.argv[1])[0].ref_doc_id)
except RetrieverKitError as error:
    print(f"{type(error).__name__}: {error.fix}")
"""
    command = [folder / "venv" / "bin" / "python", "-c", program, written]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    kind, _, fix = expected.partition(": ")
    assert done.stdout.startswith(kind)
    assert fix in done.stdout
