import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit.reading import find_files, plan_sync, read_changed, read_files


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
    listing = find_files([tree])
    assert shown(listing) == ["notes/a/b/c.txt", "notes/a/z.md", "notes/b.txt", "notes/ä.txt"]
    assert {(s.path, s.reason) for s in listing.skipped} == {
        ("notes/.git", "hidden"),
        ("notes/a/.hidden.txt", "hidden"),
        ("notes/node_modules", "ignored folder"),
        ("notes/loop", "symbolic link"),
        ("notes/outside.txt", "symbolic link"),
        ("notes/pipe", "not a regular file"),
    }


def test_what_is_named_is_read_whatever_it_is_called(tree):
    os.symlink(tree / "b.txt", tree / "link")
    named = [tree / "a/.hidden.txt", tree / "link", tree / "b.txt", tree / "a", tree / "a/b"]
    assert shown(find_files(named)) == [".hidden.txt", "b.txt", "a/b/c.txt", "a/z.md"]
    assert [d.text for d in read_files(named).documents] == ["a/.hidden.txt", "b.txt", "a/b/c.txt", "a/z.md"]


def test_excluded_folders_and_missing_paths(tree):
    assert shown(find_files([tree], exclude=[tree / "a"])) == ["notes/b.txt", "notes/ä.txt"]
    report = read_files([tree / "none", tree / "b.txt", "bad\0name"])
    assert [d.text for d in report.documents] == ["b.txt"]
    assert "no such file or folder" in str(report.errors[0])
    assert len(report.errors) == 2


@pytest.mark.timeout(20)
def test_a_pipe_and_a_file_that_vanished_are_told(tree):
    os.mkfifo(tree / "pipe")
    files = find_files([tree / "pipe", tree / "b.txt", tree / "ä.txt"]).files
    (tree / "b.txt").unlink()
    reads = list(read_changed(files))
    assert [len(read.documents) for read in reads] == [0, 0, 1]
    assert "not a regular file" in str(reads[0].errors[0])
    assert "no such file" in str(reads[1].errors[0])


def test_a_name_that_is_not_utf8_is_told(tree):
    (tree / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    report = read_files([tree])
    assert len(report.documents) == 4
    assert "caf\\xe9.txt" in str(report.errors[0]) and "not valid UTF-8" in str(report.errors[0])


def test_a_file_without_permission_is_told(tree):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tree / "b.txt").chmod(0)
    report = read_files([tree])
    assert len(report.documents) == 3 and "permission denied" in str(report.errors[0])


def test_one_id_in_two_files_keeps_the_first_and_is_told(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "first"}')
    (tmp_path / "b.jsonl").write_text('{"id": 1, "text": "second"}')
    report = read_files([tmp_path])
    assert [d.text for d in report.documents] == ["first"]
    assert "b.jsonl, row 1: the id '1' is already used by" in str(report.errors[0])
    assert [read.complete for read in report.files] == [True, False]


def test_progress_is_told_after_every_file(tree):
    seen = []
    read_files([tree], on_progress=lambda done, total, path: seen.append((done, total, path)))
    assert [(done, total) for done, total, _ in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert seen[0][2] == "notes/a/b/c.txt"


names = st.sampled_from(["a.txt", "b.txt", "sub/a.txt", "sub/deep/c.txt", "sub2/a.txt"])
trees = st.dictionaries(names, st.sampled_from(["one", "two", "same size 1", "same size 2"]))


@settings(max_examples=settings.default.max_examples // 2)
@given(before=trees, after=trees, below=st.sampled_from([".", "sub"]))
def test_a_plan_touches_what_changed_and_removes_what_is_gone(tmp_path_factory, before, after, below):
    root = tmp_path_factory.mktemp("sync").resolve()
    write(root, before)
    previous = {read.file.source: read.fingerprint for read in read_files([root]).files}
    previous["/elsewhere/x.txt"] = "kept"
    write(root, after)

    plan = plan_sync(previous, [root / below])

    held = {f"{root}/{name}": text for name, text in before.items() if below == "." or name.startswith("sub/")}
    now = {f"{root}/{name}": text for name, text in after.items() if below == "." or name.startswith("sub/")}
    assert {file.source for file in plan.unchanged} == {s for s in now if held.get(s) == now[s]}
    assert {file.source for file in plan.changed} == {s for s in now if held.get(s) != now[s]}
    assert set(plan.gone) == held.keys() - now.keys()


def write(root, files):
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        os.utime(root / name, (1, 1))  # neither size nor time shall decide


def test_a_file_read_in_part_is_read_again(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\nbad')
    (read,) = read_files([tmp_path]).files
    assert not read.complete
    plan = plan_sync({read.file.source: None}, [tmp_path])
    assert [file.path for file in plan.changed] == [f"{tmp_path.name}/a.jsonl"]


def test_a_folder_that_cannot_be_listed_loses_nothing(tree, monkeypatch):
    previous = {read.file.source: read.fingerprint for read in read_files([tree]).files}
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    plan = plan_sync(previous, [tree])
    assert plan.gone == []
    assert len(plan.unchanged) == 2
    assert "cannot be listed: permission denied" in str(plan.errors[0])


def test_a_path_that_is_gone_takes_its_documents_along(tree):
    previous = {read.file.source: read.fingerprint for read in read_files([tree]).files}
    source = (tree / "b.txt").resolve().as_posix()
    (tree / "b.txt").unlink()
    plan = plan_sync(previous, [tree / "b.txt"])
    assert plan.gone == [source] and len(plan.errors) == 1


def test_parsers_are_imported_when_a_file_needs_them(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    code = (
        "import sys; from retrieverkit.reading import read_files, split; "
        f"[split(d) for d in read_files([{str(tmp_path)!r}]).documents]; "
        "print(sorted({'pypdf', 'selectolax', 'semantic_text_splitter', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
