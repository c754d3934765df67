"""``retriever cache``, and how much ``retriever search PATH`` keeps."""

import json
import os
import subprocess
import sys

import pytest

from retrieverkit.cli.copies import Copy, clear, copies

pytestmark = pytest.mark.searches

HOLD = """
import sys
from pathlib import Path
from retrieverkit.cli.cached import CachedFiles
from retrieverkit.cli.screen import Screen
from retrieverkit.reading import FileRules
with CachedFiles([Path("a")], FileRules()).open(Screen(sys.stderr)) as index:
    print("open", flush=True)
    sys.stdin.read()
    assert index.path.is_dir()
"""


@pytest.fixture
def folders(tmp_path, retriever):
    """Three folders that were searched, ``a`` first and ``c`` last."""
    for at, name in enumerate("abc"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "moon.txt").write_text(f"moon {name}")
        retriever("search", "moon", name, "-m", "bm25")
        (newest,) = (copy for copy in copies() if copy.paths == [str((tmp_path / name).resolve())])
        os.utime(newest.folder.with_name(f"{newest.folder.name}.json"), (at * 1000, at * 1000))


@pytest.fixture
def hold(environment, tmp_path, folders):
    """A process that searches ``a``; what it is sent ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=environment
    )
    assert process.stdout.readline() == b"open\n"
    yield process
    process.communicate()
    assert process.returncode == 0


def kept(retriever):
    return [os.path.basename(copy["paths"][0]) for copy in listed(retriever)["copies"]]


def listed(retriever):
    return json.loads(retriever("cache", "ls", "--json").stdout)


def test_what_is_kept_is_listed_by_its_last_use(retriever, folders):
    told = listed(retriever)
    assert kept(retriever) == ["c", "b", "a"] and told["limit"] == 2 * 10**9
    assert told["bytes"] == sum(copy["bytes"] for copy in told["copies"]) > 0
    retriever("search", "moon", "a")
    assert kept(retriever) == ["a", "c", "b"]
    assert "of 2.0 GB in " in retriever("cache", "ls").stdout


def test_the_oldest_make_room_and_never_the_one_that_is_searched(retriever, folders):
    assert retriever("search", "moon", "b", RETRIEVERKIT_CACHE_LIMIT="1 kB").stdout.startswith("1 hit")
    assert kept(retriever) == ["b"]
    assert "1 hit" in retriever("search", "moon", "c").stdout
    assert kept(retriever) == ["c", "b"]


def test_no_more_goes_than_must(retriever, folders):
    sizes = [copy["bytes"] for copy in listed(retriever)["copies"]]
    retriever("search", "moon", "c", RETRIEVERKIT_CACHE_LIMIT=str(sum(sizes) - 1))
    assert kept(retriever) == ["c", "b"]


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be renamed there")
def test_what_another_process_searches_stays(retriever, hold):
    retriever("search", "moon", "b", RETRIEVERKIT_CACHE_LIMIT="0")
    assert sorted(kept(retriever)) == ["a", "b"]
    done = retriever("cache", "clear")
    assert done.stdout.startswith("1 copy removed, ") and done.stderr.startswith("in use: ")
    assert kept(retriever) == ["a"]
    hold.kill()
    hold.wait()
    assert retriever("cache", "clear").stdout.startswith("1 copy removed, ")
    assert kept(retriever) == []
    hold.returncode = 0


def test_clear_by_age(retriever, folders):
    retriever("search", "moon", "b")
    assert json.loads(retriever("cache", "clear", "--older-than", "30d", "--json").stdout)["removed"] == 2
    assert kept(retriever) == ["b"]
    for wrong in ("30", "d", "-1d", "30 years"):
        assert "is not an age" in retriever("cache", "clear", f"--older-than={wrong}", code=2).stderr


def test_what_a_killed_process_left_is_swept_and_unread(retriever, folders, monkeypatch):
    (oldest,) = (copy for copy in copies() if copy.last_used == 0)

    def killed(*arguments, **options):
        raise SystemExit

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr("shutil.rmtree", killed)
        oldest.discard()
    assert kept(retriever) == ["c", "b"] and len(list(oldest.folder.parent.glob("*.gone-*"))) == 1
    clear(1e12)
    assert not list(oldest.folder.parent.glob("*.gone-*")) and len(copies()) == 2
    assert "1 hit" in retriever("search", "moon", "a").stdout


def test_a_limit_that_is_none_is_an_error_before_anything_is_read(retriever, folders):
    for wrong in ("many", "-1", "1 XB"):
        assert "not a size" in retriever("search", "moon", "a", code=1, RETRIEVERKIT_CACHE_LIMIT=wrong).stderr


def test_a_damaged_record_is_no_more_than_an_unknown_path(retriever, folders, tmp_path):
    for copy in copies():
        Copy(copy.folder).folder.with_name(f"{copy.folder.name}.json").write_bytes(b"\xff")
    assert [copy["paths"] for copy in listed(retriever)["copies"]] == [[], [], []]
    evil = tmp_path / "evil\x1b[2J"
    evil.mkdir()
    (evil / "moon.txt").write_text("moon")
    retriever("search", "moon", evil)
    shown = retriever("cache", "ls").stdout
    assert "evil\\x1b[2J" in shown and "\x1b" not in shown
    assert retriever("cache", "clear").stdout.startswith("4 copies removed")


def test_what_is_no_copy_is_never_removed(retriever, folders):
    """The cache folder may be a link to where other programs keep folders with such names."""
    place = copies()[0].folder.parent
    others = [place / "photos.gone-2020", place / ("ab" * 16)]
    for other in others:
        other.mkdir()
        (other / "kept").write_text("kept")
    assert json.loads(retriever("cache", "clear", "--json").stdout)["removed"] == 3
    assert "1 hit" in retriever("search", "moon", "a", RETRIEVERKIT_CACHE_LIMIT="0").stdout
    assert [(other / "kept").read_text() for other in others] == ["kept", "kept"]
