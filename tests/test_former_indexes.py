"""Derived indexes of former settings are marked and can be removed; a read-only index is left alone whole."""

import os
from pathlib import Path

import pytest

from retrieverkit import Document, Index
from retrieverkit_core.errors import ReadOnlyCorpusError


def languages(statuses):
    return sorted(status.config.partition("language ")[2][:2] for status in statuses)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_indexes_of_former_settings_are_marked_and_removed(tmp_path):
    with Index.create(tmp_path / "notes.rk", language="en") as index:
        index.add(Document("the pumps were checked", id="a"))
        index.retrieve("pump", "bm25")
        (status,) = index.derived()
    os.utime(Path(status.folder, "users"), (1.0, 1.0))  # it was opened long ago
    with Index.open(tmp_path / "notes.rk") as index:
        index.configure(language="de")
        assert [hit.node_id for hit in index.retrieve("pumps", "bm25")] == ["a"]
        assert len(index.derived()) == 2
        assert languages(status for status in index.derived() if status.former) == ["en"]
        assert index.remove_former(keep=[status.folder]) == []
        assert languages(index.remove_former()) == ["en"]
        assert languages(index.derived()) == ["de"]


def test_an_index_that_is_only_read_is_not_written(tmp_path):
    folder = tmp_path / "notes.rk"
    with Index.create(folder, language="en") as index:
        index.add(Document("the pumps were checked", id="a"))
    before = files(folder)
    with Index.open(folder, read_only=True) as index:
        assert [hit.node_id for hit in index.retrieve("pump", "hybrid")] == ["a"]
        for remove in (index.reindex, index.remove_former):
            with pytest.raises(ReadOnlyCorpusError, match="nothing of it is deleted"):
                remove()
    assert {name: data for name, data in files(folder).items() if "-wal" not in name and "-shm" not in name} == before
