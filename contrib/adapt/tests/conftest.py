"""The workshop: tickets in the words of customers, manuals in those of mechanics, and queries in the former."""

import json
import shutil
from pathlib import Path

import pytest

from retrieverkit import Document, Index

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "workshop"


def rows(name):
    return [json.loads(line) for line in (EXAMPLE / name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def queries():
    return {row["_id"]: row["text"] for row in rows("queries.jsonl")}


@pytest.fixture(scope="session")
def qrels():
    lines = (line.split("\t") for line in (EXAMPLE / "qrels.tsv").read_text("utf-8").splitlines())
    return {query: {document: int(grade)} for query, document, grade in lines}


def documents():
    return [
        Document(row["text"], id=row["_id"], metadata={"title": row.get("title", "")}) for row in rows("docs.jsonl")
    ]


@pytest.fixture(scope="session", params=["lsa", "hash"])
def workshop(request, tmp_path_factory):
    """The index, by an embedding that is fitted and by one that is not."""
    folder = tmp_path_factory.mktemp(request.param) / "workshop.rk"
    with Index.from_documents(documents(), folder, embedding=request.param) as index:
        yield index


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with the example's files and an index of them."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    with Index.from_documents(documents(), tmp_path / "workshop.rk", embedding="lsa"):
        pass
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("RETRIEVERKIT_EMBEDDING", "lsa")
    return tmp_path
