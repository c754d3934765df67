import errno
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit import Index
from retrieverkit.reading import find_files, plan_sync, read_changed


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "notes"
    for name in ["b.txt", "a/z.md", "a/.hidden.txt", ".git/config.txt", "node_modules/m.js", "a/b/c.txt", "ä.txt"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def shown(listing):
    return [file.path for file in listing.files]


def test_a_folder_is_walked_in_a_stable_order_and_what_is_left_out_is_told(tree):
    os.symlink(tree, tree / "loop")
    os.symlink("/etc/hosts", tree / "outside.txt")
    os.mkfifo(tree / "pipe")
    listing = find_files([tree], base=tree.parent)
    assert shown(listing) == ["notes/a/b/c.txt", "notes/a/z.md", "notes/b.txt", "notes/ä.txt"]
    assert {(s.path, s.reason) for s in listing.skipped} == {
        ("notes/.git", "hidden"),
        ("notes/a/.hidden.txt", "hidden"),
        ("notes/node_modules", "ignored folder"),
        ("notes/loop", "symbolic link"),
        ("notes/outside.txt", "symbolic link"),
        ("notes/pipe", "not a regular file"),
    }


def test_what_is_named_is_read_whatever_it_is_called(tree, read_files):
    os.symlink(tree / "b.txt", tree / "link")
    named = [tree / "a/.hidden.txt", tree / "link", tree / "b.txt", tree / "a", tree / "a/b"]
    assert shown(find_files(named, base=tree)) == ["a/.hidden.txt", "b.txt", "a/b/c.txt", "a/z.md"]
    assert [d.text for d in read_files(named).documents] == ["a/.hidden.txt", "b.txt", "a/b/c.txt", "a/z.md"]


def test_excluded_folders_and_missing_paths(tree):
    assert shown(find_files([tree], exclude=[tree / "a"], base=tree.parent)) == ["notes/b.txt", "notes/ä.txt"]
    plan = plan_sync({}, [tree / "none", tree / "b.txt", "bad\0name"])
    assert [file.name for file in plan.changed] == ["b.txt"]
    assert len(plan.errors) == 2 and "no such file or folder" in str(plan.errors[1])


def test_an_index_is_not_read_as_files(tree):
    index = tree / "a" / "kept.rk"
    Index.create(index).close()
    (tree / "a" / "b" / "corpus.sqlite").write_text("of another program")
    listing = find_files([tree], base=tree.parent)
    assert [Path(path).name for path in shown(listing)] == ["c.txt", "corpus.sqlite", "z.md", "b.txt", "ä.txt"]
    assert ("notes/a/kept.rk", "an index") in {(s.path, s.reason) for s in listing.skipped}
    listing = find_files([index])
    assert shown(listing) == []
    assert "--index" in listing.errors[0].fix


@pytest.mark.timeout(200)
def test_a_pipe_and_a_file_that_vanished_are_told(tree):
    os.mkfifo(tree / "pipe")
    files = find_files([tree / "pipe", tree / "b.txt", tree / "ä.txt"]).files
    (tree / "b.txt").unlink()
    reads = list(read_changed(files))
    assert [len(read.documents) for read in reads] == [0, 0, 1]
    assert "not a regular file" in str(reads[0].errors[0])
    assert "no such file" in str(reads[1].errors[0])


def test_a_name_that_is_not_utf8_is_told(tree, read_files):
    (tree / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    report = read_files([tree])
    assert len(report.documents) == 4
    assert "caf\\xe9.txt" in str(report.errors[0]) and "not valid UTF-8" in str(report.errors[0])


def test_one_id_twice_in_a_file_keeps_the_first_and_is_told(tmp_path, read_files):
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "first"}\n{"id": 1, "text": "second"}')
    report = read_files([tmp_path])
    assert [d.text for d in report.documents] == ["first"]
    assert "a.jsonl, row 2: the id '1' is already used by" in str(report.errors[0])
    assert [read.complete for read in report.files] == [False]


def test_progress_is_told_after_every_file(tree, read_files):
    seen = []
    read_files([tree], on_progress=lambda done, total, path: seen.append((done, total, path)))
    assert [(done, total) for done, total, _ in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert seen[0][2] == f"{tree}/a/b/c.txt"


names = st.sampled_from(["a.txt", "b.txt", "sub/a.txt", "sub/deep/c.txt", "sub2/a.txt"])
trees = st.dictionaries(names, st.sampled_from(["one", "two", "same size 1", "same size 2"]))


@given(
    before=trees,
    after=trees,
    below=st.sampled_from([".", "sub"]),
    broken=st.sampled_from([None, ".", "sub", "sub/deep"]),
    prune=st.booleans(),
)
def test_a_plan_touches_what_changed_and_removes_what_is_known_to_be_gone(
    tmp_path_factory, before, after, below, broken, prune, read_files
):
    root = tmp_path_factory.mktemp("sync").resolve()
    write(root, before)
    previous = {read.file.source: read.fingerprint for read in read_files([root]).files}
    previous["/elsewhere/x.txt"] = "kept"
    write(root, after)
    asked = root / below
    hidden = root / broken if broken and (root / broken).is_dir() and (root / broken).is_relative_to(asked) else None

    with failing(hidden):
        plan = plan_sync(previous, [asked], prune=prune)

    held = {root / name: text for name, text in before.items() if (root / name).is_relative_to(asked)}
    now = {root / name: text for name, text in after.items() if (root / name).is_relative_to(asked)}
    seen = {path: text for path, text in now.items() if not (hidden and path.is_relative_to(hidden))}
    gone = {path for path in held if path not in seen and not (hidden and path.is_relative_to(hidden))}
    assert {file.source for file in plan.unchanged} == {str(s) for s in seen if held.get(s) == now[s]}
    assert {file.source for file in plan.changed} == {str(s) for s in seen if held.get(s) != now[s]}
    assert set(plan.gone) == ({str(path) for path in gone} if seen or prune else set())
    refused = bool(gone) and not seen and not prune
    missing = not asked.exists() and not (gone and prune)
    assert len(plan.errors) == (hidden is not None) + (refused or missing)


@contextmanager
def failing(folder):
    """Has the system fail to list a folder, as it does when a share is gone."""
    scandir = os.scandir

    def fail(path):
        if folder is not None and Path(path) == folder:
            raise OSError(errno.EIO, "Input/output error")
        return scandir(path)

    with patch.object(os, "scandir", fail):
        yield


def write(root, files):
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        os.utime(root / name, (1, 1))  # neither size nor time shall decide


def test_a_file_read_in_part_is_read_again(tmp_path, read_files):
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\nbad')
    (read,) = read_files([tmp_path]).files
    assert not read.complete
    plan = plan_sync({read.file.source: None}, [tmp_path])
    assert [file.path for file in plan.changed] == [f"{tmp_path.resolve()}/a.jsonl"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ELOOP])
def test_a_root_that_cannot_be_looked_at_loses_nothing(tree, tmp_path, monkeypatch, code):
    with Index.open(tmp_path / "ix", create=True) as index:
        index.add_files(tree)
        before = set(index.document_ids())
        stat = Path.stat

        def fail(path, **options):
            if path.name == "notes":
                raise OSError(code, os.strerror(code))
            return stat(path, **options)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "stat", fail)
            report = index.add_files(tree, prune=True)
        assert os.strerror(code).lower() in str(report.errors[0])
        assert set(index.document_ids()) == before and not report.removed


def test_a_path_that_is_gone_whole_takes_its_documents_along_when_told_to(tree, tmp_path):
    with Index.open(tmp_path / "ix", create=True) as index:
        index.add_files([tree / "a", tree / "b.txt"])
        before = index.document_ids()
        shutil.rmtree(tree)
        report = index.add_files([tree / "a", tree / "b.txt"])
        assert report.removed == [] and index.document_ids() == before
        assert [error.message.split("; ")[1] for error in report.errors] == [
            "what was read from 2 files is kept",
            "what was read from 1 file is kept",
        ]
        assert all("--prune" in error.fix for error in report.errors)
        report = index.add_files([tree / "a", tree / "b.txt"], prune=True)
        assert sorted(report.removed) == sorted(before) and report.errors == [] and index.document_ids() == []


def test_an_emptied_folder_is_what_a_disk_that_is_not_mounted_looks_like(tree):
    previous = {file.source: "read" for file in find_files([tree]).files}
    shutil.rmtree(tree)
    tree.mkdir()
    plan = plan_sync(previous, [tree])
    assert plan.gone == [] and "none of the files that were read here is left" in str(plan.errors[0])
    assert set(plan_sync(previous, [tree], prune=True).gone) == set(previous)
    assert set(plan_sync(previous, [tree.parent], exclude=[tree]).gone) == set(previous)
    tree.with_name("other.txt").write_text("left")
    assert set(plan_sync(previous, [tree.parent, tree]).gone) == set(previous)


@pytest.mark.parametrize("mode", [0o400, 0o300, 0o000], ids=["listed", "entered", "neither"])
def test_a_folder_without_permission_is_one_error_and_loses_nothing(tree, bound, mode):
    previous = {file.source: "read" for file in find_files([tree]).files}
    (tree / "a").chmod(mode)
    found = bound(lambda: plan_sync(previous, [tree]))
    (tree / "a").chmod(0o700)
    assert found["gone"] == [] and len(found["changed"]) == 2
    assert len(found["errors"]) == 1
    assert found["errors"][0].endswith("notes/a: the folder cannot be looked into: permission denied")


def test_a_locked_parent_loses_nothing(tree, bound):
    previous = {file.source: "read" for file in find_files([tree / "a"]).files}
    tree.chmod(0)
    found = bound(lambda: plan_sync(previous, [tree / "a"], prune=True))
    tree.chmod(0o700)
    assert found["gone"] == [] and found["errors"][0].endswith("notes/a: permission denied")


def test_a_file_without_permission_is_an_error(tree, bound, read_files):
    (tree / "b.txt").chmod(0)
    found = bound(lambda: read_files([tree]))
    assert len(found["documents"]) == 3 and found["errors"][0].endswith("notes/b.txt: permission denied")


def test_parsers_are_imported_when_a_file_needs_them(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    code = (
        "import sys; from retrieverkit.reading import find_files, read_changed, split; "
        f"files = find_files([{str(tmp_path)!r}]).files; "
        "[split(document) for read in read_changed(files) for document in read.documents]; "
        "print(sorted({'pypdf', 'selectolax', 'semantic_text_splitter', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
