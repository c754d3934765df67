"""The workflows call sessions that there are, and test what a change can break."""

import json
import re
import runpy
import subprocess
import sys

import pytest
import yaml
from docs_pages import Page
from workspace import PACKAGES, ROOT

from retrieverkit_testkit.checking import all_checks

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHANGED = runpy.run_path(str(ROOT / ".ci" / "changed.py"))
EVERYTHING = sorted(package.folder.relative_to(ROOT).as_posix() for package in PACKAGES)


@pytest.mark.parametrize(
    ("changed", "tested"),
    [
        (["plugins/bm25/src/retrieverkit_bm25/mode.py"], ["plugins/bm25"]),
        (["contrib/example-plugin/README.md", "docs/README.md"], ["contrib/example-plugin"]),
        (["docs/README.md", "tests/test_docs.py"], []),
        (["core/contract/src/retrieverkit_core/hits.py"], EVERYTHING),
        (["registry/tests/cli/test_search.py"], EVERYTHING),
        (["constraints.txt"], EVERYTHING),
        ([".github/workflows/ci.yml"], EVERYTHING),
    ],
    ids=lambda value: ",".join(value)[:40],
)
def test_what_a_change_can_break_is_tested(changed, tested):
    assert CHANGED["affected"](changed) == tested


def test_everything_is_tested_where_the_commit_is_not_known():
    command = [sys.executable, ROOT / ".ci" / "changed.py", "0" * 40]
    assert json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) == EVERYTHING


def test_an_index_mode_is_tested_when_indexing_changes_and_a_composite_is_not_by_itself():
    tested = CHANGED["affected"](["core/indexing/src/retrieverkit_indexing/analysis/__init__.py"])
    assert {"plugins/bm25", "plugins/vector", "core/indexing"} <= set(tested)


@pytest.fixture(scope="module")
def sessions():
    command = [sys.executable, "-m", "nox", "-f", ROOT / "noxfile.py", "--list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^[*-] (\w+)", listed, flags=re.MULTILINE))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_sessions_that_there_are_and_holds_no_secret(workflow, sessions):
    text = workflow.read_text(encoding="utf-8")
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    called = [name for step in steps for name in re.findall(r"nox -s \"?([a-z_ ]+)", step.get("run", ""))]
    assert called and {name for names in called for name in names.split()} <= sessions
    assert "secrets." not in text
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_contributors_are_shown_every_session_and_files_that_there_are(sessions):
    page = Page(ROOT / "CONTRIBUTING.md")
    table = page.text.partition("## Routine tasks")[2].partition("\n## ")[0]
    shown = {
        name for row in re.findall(r"^\| (`.+?) \|", table, flags=re.MULTILINE) for name in re.findall(r"\w+", row)
    }
    assert shown == sessions
    named = set(re.findall(r"nox -s \"?([a-z_]+)", page.text))
    assert named <= sessions
    for each in (page, Page(ROOT / "SECURITY.md")):
        assert [link for link in each.links if not (ROOT / link).exists()] == []


def test_the_checks_that_plugins_alone_run_are_checks():
    reaching = runpy.run_path(str(ROOT / "noxfile.py"))["REACHING"]
    assert set(reaching) <= {check.name for check in all_checks()}
