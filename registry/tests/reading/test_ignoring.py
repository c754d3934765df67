"""What patterns leave out, against git itself where it is installed."""

import re
import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from retrieverkit.reading import FileRules, find_files
from retrieverkit.reading.ignoring import patterns

NAMES = ["a.txt", "b.md", "sub/a.txt", "sub/deep/b.md", "sub/deep/c.log", "build/x.txt", "other/build/y.txt"]


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "notes"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def found(root, **rules):
    return {file.path for file in find_files([root], base=root, rules=FileRules.of(**rules)).files}


def test_patterns_choose_and_leave_out(tree):
    assert found(tree, only=["*.md"]) == {"b.md", "sub/deep/b.md"}
    assert found(tree, only=["sub/**"], leave_out=["deep/"]) == {"sub/a.txt"}
    assert found(tree, leave_out=["build", "/sub"]) == {"a.txt", "b.md"}
    assert found(tree, only=["*.md", "!b.md"]) == set()


def test_the_nearer_ignore_file_decides_and_ignore_goes_before_gitignore(tree):
    (tree / ".gitignore").write_text("build/\n*.md\n# not this\n")
    (tree / "sub" / ".gitignore").write_text("!b.md\n")
    (tree / "sub" / "deep" / ".ignore").write_text("*.log\n")
    assert found(tree) == {"a.txt", "sub/a.txt", "sub/deep/b.md"}
    assert found(tree, ignore_files=False) == set(NAMES)
    (tree / ".ignore").write_text("!b.md\n")
    assert "b.md" in found(tree)


def test_a_folder_within_a_repository_follows_what_is_said_above(tree):
    (tree / ".gitignore").write_text("*.log\n")
    assert "deep/c.log" in found(tree / "sub"), "it is not a repository"
    (tree / ".git").mkdir()
    assert found(tree / "sub") == {"a.txt", "deep/b.md"}


def test_hidden_files_caches_and_environments(tree):
    more = ".hidden/a.txt .env .git/config venv/pyvenv.cfg venv/lib/m.py c/CACHEDIR.TAG c/d.txt"
    for name in more.split():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x")
    assert found(tree) == set(NAMES)
    assert found(tree, hidden=True) == {*NAMES, ".hidden/a.txt", ".env"}
    reasons = {(s.path, s.reason) for s in find_files([tree], base=tree).skipped}
    assert {("venv", "virtual environment"), ("c", "cache"), (".hidden", "hidden")} <= reasons
    assert found(tree / "venv") == {"lib/m.py", "pyvenv.cfg"}, "what is named is read"


@pytest.mark.parametrize(
    "rules",
    [{"encoding": "base64"}, {"encoding": "none-such"}, {"encoding": "a\0"}, {"only": ["!"]}, {"leave_out": ["[z-a]"]}],
)
def test_rules_that_cannot_be_followed_are_refused(rules):
    with pytest.raises(ValueError, match="is not"):
        FileRules.of(**rules)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["*.md", "!b.md", "/a.txt", "sub/", "deep", "**/y.txt", "bu?ld/", "!build/", "#x", ""]))
)
def test_what_is_ignored_is_what_git_ignores(tmp_path_factory, lines):
    root = tmp_path_factory.mktemp("repository")
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".gitignore").write_text("\n".join(lines))
    listed = ["git", "ls-files", "--others", "--exclude-standard", "--", ":!.gitignore"]
    told = subprocess.run(listed, cwd=root, check=True, capture_output=True, text=True)
    assert found(root) == set(told.stdout.splitlines())


GLOBS = st.text(alphabet="ab*?/[]!\\(.", min_size=1, max_size=12)
PATHS = st.lists(st.text(alphabet="ab(.]", min_size=1, max_size=6), min_size=1, max_size=3).map("/".join)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@settings(max_examples=400, deadline=None)
@given(GLOBS, st.lists(PATHS, min_size=1, max_size=8))
@example("*a*(*b*?*[!a]*b", ["aa(bxb.b", "a(b", "a(bbbb"])
def test_patterns_match_what_they_match_for_pathspec(glob, paths):
    try:
        theirs = GitIgnoreSpec.from_lines([glob])
    except (ValueError, re.error):
        with pytest.raises(ValueError, match=r".*"):
            patterns([glob])
        return
    assert [patterns([glob]).match_file(path) for path in paths] == [theirs.match_file(path) for path in paths]


def test_a_pattern_of_many_stars_is_matched_at_once(tree):
    (tree / ("a" * 200 + ".txt")).write_text("x")
    (tree / ".gitignore").write_text("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\n*.*t*t*\n")
    assert found(tree) == {"b.md", "sub/deep/b.md", "sub/deep/c.log"}


@pytest.mark.parametrize("line", ["!", "[z-a]", "a\\", "[[:x:]"])
def test_a_line_that_is_not_a_pattern_leaves_the_others_as_they_are(tree, line):
    (tree / ".gitignore").write_text(f"\ufeff*.txt\n{line}\n*.log\n", encoding="utf-8")
    assert found(tree) == {"b.md", "sub/deep/b.md"}


def test_a_folder_that_is_named_is_read_although_it_is_ignored(tree):
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("build/\n*.txt\n")
    assert found(tree / "other" / "build") == {"y.txt"}
    assert found(tree / "other") == set()


def test_an_ignore_file_that_is_too_large_is_named(tree):
    (tree / ".gitignore").write_text("*.md\n" + "# nothing\n" * 110_000 + "*.log\n")
    listing = find_files([tree], base=tree)
    (error,) = listing.errors
    assert "larger than 1 MB" in str(error)
    assert not any(file.suffix == ".md" for file in listing.files)
