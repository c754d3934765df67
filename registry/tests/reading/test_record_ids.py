"""Records of several files with the same ids: none is lost, none replaces another, and no id changes."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "exports"
    place.mkdir()
    return place


@pytest.fixture
def index(tmp_path):
    with Index.create(tmp_path / "index.rk") as made:
        yield made


def write(folder, name, rows):
    lines = (json.dumps({"id": record_id, "text": text}) for record_id, text in rows.items())
    (folder / name).write_text("\n".join(lines))


def held(index):
    return {doc_id: index.document(doc_id).text for doc_id in index.document_ids()}


def test_thirty_exports_with_the_same_ids_just_work(index, folder):
    for day in range(30):
        write(folder, f"day-{day:02}.jsonl", {record: f"record {record} of day {day}" for record in range(5)})
    report = index.add_files(folder)
    assert (len(index.document_ids()), report.errors) == (150, [])
    assert index.document("3").text == "record 3 of day 0"
    assert index.document("exports/day-17.jsonl#id=3").text == "record 3 of day 17"
    [note] = report.notes
    assert note.startswith("145 records of 29 files have ids that another file has given before")
    again = index.add_files(folder)
    assert (again.read, again.unchanged, again.notes) == (0, 30, [])


def test_an_id_once_given_stays_while_its_file_is_there(index, folder):
    for name in ("a.jsonl", "b.jsonl"):
        write(folder, name, {1: name})
    index.add_files(folder)
    (folder / "a.jsonl").unlink()
    index.add_files(folder)
    write(folder, "b.jsonl", {1: "edited", 2: "new"})
    index.add_files(folder)
    assert held(index) == {"exports/b.jsonl#id=1": "edited", "2": "new"}
    write(folder, "a.jsonl", {1: "back"})
    index.add_files(folder)
    assert held(index) == {"1": "back", "exports/b.jsonl#id=1": "edited", "2": "new"}


def test_a_record_that_moves_to_the_next_file_keeps_its_id(index, folder):
    write(folder, "a.jsonl", {1: "one", 2: "two"})
    write(folder, "b.jsonl", {3: "three"})
    index.add_files(folder)
    write(folder, "a.jsonl", {1: "one"})
    write(folder, "b.jsonl", {2: "two", 3: "three"})
    assert index.add_files(folder).notes == []
    assert held(index) == {"1": "one", "2": "two", "3": "three"}


def test_a_file_that_cannot_be_opened_keeps_its_ids(index, folder, monkeypatch):
    write(folder, "a.jsonl", {1: "kept"})
    index.add_files(folder)
    from retrieverkit.reading import loading

    opened = loading._opened

    def locked(path, *flags):
        if str(path).endswith("a.jsonl"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *flags)

    monkeypatch.setattr(loading, "_opened", locked)
    write(folder, "b.jsonl", {1: "another"})
    report = index.add_files(folder)
    assert len(report.errors) == 1
    assert held(index) == {"1": "kept", "exports/b.jsonl#id=1": "another"}


def test_a_folder_moved_with_its_index_keeps_its_ids(tmp_path):
    old = tmp_path / "old"
    (old / "exports").mkdir(parents=True)
    for name in ("a.jsonl", "b.jsonl"):
        write(old / "exports", name, {1: name})
    with Index.create(old / "index.rk") as index:
        index.add_files(old / "exports")
        before = held(index)
    shutil.move(old, tmp_path / "new")
    with Index.open(tmp_path / "new" / "index.rk") as index:
        report = index.add_files(tmp_path / "new" / "exports")
        assert (held(index), report.errors, report.added) == (before, [], [])


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from("abc"), st.none() | st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), max_size=3)
        ),
        min_size=1,
        max_size=6,
    ),
    by_hand=st.booleans(),
)
def test_every_row_of_every_file_is_held_once(tmp_path_factory, steps, by_hand):
    place = tmp_path_factory.mktemp("ids")
    folder = place / "exports"
    folder.mkdir()
    (folder / "note.txt").write_text("so that the folder is never empty")
    now = {}
    with Index.create(place / "index.rk") as index:
        if by_hand:
            index.add(Document("by hand", id="x"))
        for name, rows in steps:
            if rows:
                write(folder, f"{name}.jsonl", {each: f"{name} {each} {value}" for each, value in rows.items()})
                now[name] = [f"{name} {each} {value}" for each, value in rows.items()]
            else:
                (folder / f"{name}.jsonl").unlink(missing_ok=True)
                now.pop(name, None)
            assert index.add_files(folder).errors == []
            texts = sorted(text for doc_id, text in held(index).items() if doc_id != "exports/note.txt")
            assert texts == sorted([*(text for rows in now.values() for text in rows), *["by hand"] * by_hand])
