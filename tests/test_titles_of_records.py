"""Titles of records that were read from files: how they are searched, shown, and brought into older indexes."""

import hashlib
import json
import sqlite3

import pytest

from retrieverkit import Index
from retrieverkit_core import MetadataMode

RECORDS = [
    {"_id": "lead", "title": "Inlet icing", "text": "The compressor stalls in winter.", "author": "Greta"},
    {"_id": "body", "title": "Compressors", "text": "An inlet heater prevents icing.", "author": "Emil"},
    {"_id": "alone", "title": "Flutter of wings"},
]


@pytest.fixture(params=["records.jsonl", "records.json", "records.csv"])
def file(request, tmp_path):
    folder = tmp_path / "records"
    folder.mkdir()
    file = folder / request.param
    match file.suffix:
        case ".jsonl":
            text = "\n".join(map(json.dumps, RECORDS))
        case ".json":
            text = json.dumps(RECORDS)
        case _:
            names = ["_id", "title", "text", "author"]
            text = "\n".join(
                ",".join(record.get(name, "") for name in names) for record in [dict(zip(names, names)), *RECORDS]
            )
    file.write_text(text, encoding="utf-8")
    return file


def found(index, query, mode="bm25"):
    return {hit.ref_doc_id: hit.score for hit in index.retrieve(query, retriever_mode=mode)}


def test_words_of_titles_count_as_the_settings_and_the_mode_say(tmp_path, file):
    with Index.create(tmp_path / "index") as index:
        index.add_files([file])
        once, often = (found(index, "inlet icing", f"bm25(title_weight={n})") for n in (1, 5))
        assert list(often) == ["lead", "body"] and often["lead"] > once["lead"]
        assert list(found(index, "flutter")) == ["alone"]
        assert "alone" in found(index, "flutter", "vector(embedding='lsa')")
        assert found(index, "greta") == {}
    with Index.create(tmp_path / "texts", searched=("author",)) as index:
        index.add_files([file])
        assert list(found(index, "inlet icing")) == ["body"]
        assert list(found(index, "flutter")) == ["alone"], "a title that is all there is of a record is its text"
        assert list(found(index, "greta")) == ["lead"]


def test_a_hit_shows_its_title(tmp_path, file):
    with Index.create(tmp_path / "index") as index:
        index.add_files([file])
        result = index.retrieve("winter")
        assert "Inlet icing · The compressor stalls" in str(result)
        assert "Inlet icing · The compressor stalls" in result._repr_html_()
        assert result[0].get_content(MetadataMode.LLM).count("Inlet icing") == 1
        assert str(index.retrieve("flutter", retriever_mode="bm25")).count("Flutter of wings") == 1


def test_records_that_a_former_version_read_are_read_again(tmp_path, file):
    with Index.create(tmp_path / "index") as index:
        index.add_files([file])
    former = hashlib.blake2b(file.read_bytes(), digest_size=32).hexdigest()
    with sqlite3.connect(tmp_path / "index" / "corpus.sqlite") as corpus:
        assert corpus.execute("UPDATE sources SET fingerprint = ?", (former,)).rowcount == 1
    corpus.close()
    with Index.open(tmp_path / "index") as index:
        assert index.add_files([file]).read == 1
        assert index.add_files([file]).read == 0
