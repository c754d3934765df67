"""What "Wrap a retriever" shows runs where nothing but the wheel of core/contract is installed."""

import os
import subprocess
import sys
from pathlib import Path

import docs_runner
import pytest
from docs_pages import DOCS, Page
from workspace import ROOT

PAGE = Page(DOCS / "how-to" / "wrap-a-retriever.md")
UV = Path(sys.executable).with_name("uv")

pytestmark = pytest.mark.xdist_group("contract alone")  # one process makes the environment once
CONTRACT = {"retrieverkit-core", "pluggy", "pydantic"}
OF_PYDANTIC = {"annotated-types", "pydantic-core", "typing-extensions", "typing-inspection"}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an environment that holds the wheel of the contract and what it brings."""
    folder = tmp_path_factory.mktemp("contract")
    subprocess.run([UV, "build", "-q", "--wheel", ROOT / "core" / "contract", "-o", folder / "dist"], check=True)
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [UV, "pip", "install", "-q", "--python", python, "-c", ROOT / "constraints.txt"]
    subprocess.run([*install, *(folder / "dist").glob("*.whl")], check=True)
    return python


@pytest.fixture
def run(python, tmp_path):
    def run(program):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [python, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_contract_brings_pluggy_and_pydantic_alone(run):
    listed = run("from importlib.metadata import distributions\nfor one in distributions(): print(one.name.lower())")
    assert {name.replace("_", "-") for name in listed.split()} == CONTRACT | OF_PYDANTIC


def test_the_page_runs_on_the_contract_alone(run, tmp_path):
    blocks = [block for block in PAGE.blocks if block.language == "python"]
    for block in blocks:
        if block.file:
            (tmp_path / block.file).write_text(block.code, encoding="utf-8")
    program = "\n".join(block.code for block in blocks if not block.file)
    shown = "".join(block.code for block in PAGE.blocks if block.language == "text")
    assert docs_runner.masked(run(program)) == docs_runner.masked(shown)


def test_nothing_else_of_ours_is_imported(run, tmp_path):
    (file,) = [block for block in PAGE.blocks if block.file]
    (tmp_path / file.file).write_text(file.code, encoding="utf-8")
    loaded = run("import sys, wrapping\nprint(*{name.partition('.')[0] for name in sys.modules})").split()
    assert {name for name in loaded if name.startswith("retrieverkit")} == {"retrieverkit_core"}
    assert not {"numpy", "filelock"} & set(loaded)
