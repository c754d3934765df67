"""What a folder says of its files is asked for by its name alone; an author's own field of such a name is a field."""

import pytest

from retrieverkit import Document, Index

pytestmark = pytest.mark.needs("retrieverkit_bm25")

FACTS = {"modified": "2024-05-06T00:00:00+00:00", "size": 40, "suffix": ".md", "folder": "pumps"}


@pytest.mark.parametrize(
    ("question", "filters"),
    [
        ("reports after 1990", None),
        ("pumps that stall", None),
        ("reports modified after 2020", "modified >= '2021-01-01'"),
        ("reports with size above 20", "size > 20"),
    ],
)
def test_files(question, filters):
    index = Index.from_documents([Document(f"report {n} of a pump", id=f"d{n}", metadata=FACTS) for n in range(3)])
    spec = index.retrieve(question, "auto(bm25)").spec
    assert (None if spec.filters is None else str(spec.filters)) == filters


def test_a_field_of_the_authors_own():
    documents = [
        Document("a report", id=f"{folder}{year}", metadata={"folder": folder, "modified": f"{year}-01-01"})
        for folder in ("inbox", "archive")
        for year in (1980, 2000)
    ]
    index = Index.from_documents(documents)
    assert str(index.retrieve("reports after 1990", "auto(bm25)").spec.filters) == "modified >= '1991-01-01'"
    assert str(index.retrieve("reports in the inbox", "auto(bm25)").spec.filters) == "folder == 'inbox'"
