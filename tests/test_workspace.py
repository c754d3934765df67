"""What every package owes the repository: a place in each list, safe files, no trace of a machine."""

import ast
import re
import subprocess
from itertools import chain

import pytest
from workspace import PACKAGES, PLUGINS, ROOT, WORKSPACE, required

UNSAFE_MODULES = {"cPickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {
    "eval",
    "exec",
    "torch.load",
    "yaml.load",
    "yaml.full_load",
    "yaml.unsafe_load",
    "yaml.load_all",
}
HOSTS = [rf"{domain}\.org" for domain in ("pypi", "pythonhosted", "npmjs", "debian")]


def git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode > 1 or "not a git repository" in done.stderr:
        pytest.skip("this tree is not a git checkout")
    return done.stdout.splitlines()


def test_the_workspace_lists_every_package():
    found = {package.folder for package in PACKAGES}
    members = {
        path.parent
        for glob in WORKSPACE["tool"]["uv"]["workspace"]["members"]
        for path in ROOT.glob(f"{glob}/pyproject.toml")
    }
    assert members == found

    names = {package.name for package in PACKAGES}
    development = {required(entry) for entry in WORKSPACE["dependency-groups"]["dev"] if isinstance(entry, str)}
    assert names <= development
    assert WORKSPACE["tool"]["uv"]["sources"] == {name: {"workspace": True} for name in names}


def test_pip_alone_gets_every_package_and_every_tool():
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    editable = {line.removeprefix("-e ./").partition("[")[0] for line in lines if line.startswith("-e ")}
    assert editable == {package.folder.relative_to(ROOT).as_posix() for package in PACKAGES}
    groups = WORKSPACE["dependency-groups"]
    wanted = {entry for entry in chain(*groups.values()) if isinstance(entry, str)}
    members = {package.name for package in PACKAGES}
    assert {entry for entry in wanted if required(entry) not in members} <= set(lines)


def test_the_pinned_versions_cover_every_dependency():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.!+]+( ; .+)?", line)] == []
    pinned = {required(line) for line in lines}
    members = {package.name for package in PACKAGES}
    for package in PACKAGES:
        assert (package.dependencies | package.optional) - members <= pinned, f"run `nox -s constraints`: {package}"


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_a_package_is_built_and_described_like_the_others(package):
    project = package.pyproject["project"]
    assert package.pyproject["build-system"]["build-backend"] == "hatchling.build"
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == WORKSPACE["project"]["requires-python"]
    assert (package.folder / project["readme"]).read_text(encoding="utf-8").startswith("# ")
    assert (package.folder / "src" / package.module / "py.typed").exists()
    assert "ruff" not in package.pyproject.get("tool", {}), "a table here would hide the shared settings"
    assert list((package.folder / "tests").rglob("test_*.py")), "a package keeps its tests beside its source"


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_the_first_page_names_every_package(package):
    folder = package.folder.relative_to(ROOT).as_posix()
    assert f"| [{package.name}]({folder}/README.md) |" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_a_package_accepts_a_range_of_its_siblings(package):
    project = package.pyproject["project"]
    entries = chain(project.get("dependencies", []), *project.get("optional-dependencies", {}).values())
    members = {other.name for other in PACKAGES}
    for entry in entries:
        if required(entry) in members:
            assert re.search(r">=[\d.]+,<[\d.]+$", entry), entry
            assert "==" not in entry


@pytest.mark.parametrize("plugin", PLUGINS, ids=str)
def test_a_plugin_depends_on_core_and_can_be_had_as_an_extra(plugin):
    assert "retrieverkit-core" in plugin.dependencies
    registry = next(package for package in PACKAGES if package.kind == "registry")
    extras = registry.pyproject["project"]["optional-dependencies"]
    assert plugin.name in {required(entry) for entry in extras[plugin.folder.name]}
    assert plugin.name in {required(entry) for entry in extras["all"]}


def test_no_file_names_a_package_host():
    assert git("grep", "-nIiE", "|".join(HOSTS), "--", ".") == []


def test_no_file_holds_a_path_of_a_machine():
    roots = "|".join(("work", "farm", "home", "root", "Users"))
    pattern = rf"(^|[^A-Za-z0-9_.~])/({roots})/[A-Za-z.]"
    assert git("grep", "-nIE", pattern, "--", ".") == []


def test_no_lock_file_is_committed():
    assert git("ls-files", "*uv.lock", "*pylock*.toml", "*poetry.lock") == []


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_nothing_is_read_back_that_can_run_code(package):
    unsafe = []
    for file, tree in package.sources.items():
        for node in ast.walk(tree):
            names = set()
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names} & UNSAFE_MODULES
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = {node.module.partition(".")[0]} & UNSAFE_MODULES
            elif isinstance(node, ast.Call):
                names = {ast.unparse(node.func)} & UNSAFE_CALLS
                names |= {keyword.arg for keyword in node.keywords} & {"allow_pickle"}
            unsafe += [f"{file.relative_to(ROOT)}:{node.lineno} {name}" for name in names]
    assert unsafe == []
