"""`retriever new-plugin` writes a package that installs, registers its mode and passes the conformance kit at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import docs_runner
import pytest
from workspace import BASE, ROOT

from retrieverkit.cli import main

UV = Path(sys.executable).with_name("uv")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("new plugin")]  # one process makes the environment once


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A rendered package, in an environment with its wheel beside those of core, registry and testkit alone."""
    folder = tmp_path_factory.mktemp("new") / "shared-words"
    assert main(["new-plugin", "shared-words", "--dir", str(folder)]) == 0
    for source in (folder, *BASE):
        subprocess.run([UV, "build", "-q", "--wheel", source, "-o", folder / "dist"], check=True)
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
    wheels = sorted((folder / "dist").glob("*.whl"))
    own = next(wheel for wheel in wheels if wheel.name.startswith("retriever_shared_words"))
    wheels[wheels.index(own)] = f"retriever-shared-words[test] @ {own.as_uri()}"
    python = folder / "venv" / "bin" / "python"
    subprocess.run(
        [UV, "pip", "install", "-q", "--python", python, "-c", ROOT / "constraints.txt", *wheels], check=True
    )
    return folder


@pytest.fixture
def run(package):
    """Runs a program of the package's environment in the package's folder."""
    environment = docs_runner.environment(package.parent)
    environment["PATH"] = f"{package / 'venv' / 'bin'}{os.pathsep}{environment['PATH']}"

    def run(*command):
        return subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True)

    return run


def test_its_suite_passes(run):
    done = run("python", "-m", "pytest", "-q", "--quick-conformance", "tests")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and " failed" not in done.stdout


def test_its_mode_is_listed_and_described(run):
    (row,) = json.loads(run("retriever", "modes", "--json").stdout)
    assert (row["mode"], row["distribution"], row["status"]) == ("shared_words", "retriever-shared-words", "available")
    assert "min_score" in run("retriever", "modes", "show", "shared_words").stdout


def test_its_mode_finds(run, package):
    (package / "notes.md").write_text("The turbine stalls when the inlet freezes.\n\nBread needs an hour.\n")
    done = run("retriever", "search", "inlet freezes", "notes.md", "--mode", "shared_words(min_score=0.1)")
    assert done.returncode == 0, done.stderr
    assert "turbine" in done.stdout
    assert "'min_score'" in run("retriever", "search", "x", "notes.md", "--mode", "shared_words(min_scor=1)").stderr


def test_an_installed_registry_writes_the_same(run, package):
    assert run("retriever", "new-plugin", "shared_words", "--dir", "again").returncode == 0
    written = [path.relative_to(package / "again") for path in (package / "again").rglob("*") if path.is_file()]
    assert len(written) == 9
    assert all((package / "again" / file).read_bytes() == (package / file).read_bytes() for file in written)
