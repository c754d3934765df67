"""Rankings on collections that nobody here wrote. They are read in place and not part of the project."""

import json
import os
from pathlib import Path

import pytest

from retrieverkit_bm25 import Bm25Retriever
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle

ir_measures = pytest.importorskip("ir_measures", reason="needs ir-measures")
BASELINE = {"scifact": 0.679, "cranfield": 0.519, "musique": 0.539}
"""nDCG@10 of bm25s with its English stemmer and stop words on the same files, titles in front of texts."""


def data_folder():
    named = os.environ.get("RETRIEVERKIT_DATA")
    beside = [parent.parent / "shared" / "data" for parent in Path(__file__).parents if (parent / "uv.lock").exists()]
    return next((folder for folder in map(Path, [*([named] if named else []), *beside]) if folder.is_dir()), None)


def lines(path):
    return map(json.loads, path.read_text("utf-8").splitlines())


@pytest.mark.parametrize("name", BASELINE)
def test_ranking_is_as_good_as_a_known_engine(name, new_corpus, tmp_path):
    folder = data_folder()
    if folder is None or not (folder / name).is_dir():
        pytest.skip(f"no evaluation data: set RETRIEVERKIT_DATA to a folder that holds {name}/")
    corpus = new_corpus()
    corpus.add(
        *(
            Node(text=doc["text"], id=doc["_id"], metadata={"title": doc["title"]})
            for doc in lines(folder / name / "corpus.jsonl")
        )
    )
    retriever = Bm25Retriever(corpus, tmp_path, top_k=10)
    run = {
        query["_id"]: {hit.node.id: hit.score for hit in retriever.retrieve(QueryBundle(query["text"]))}
        for query in lines(folder / name / "queries.jsonl")
    }
    rows = [line.split("\t") for line in (folder / name / "qrels.tsv").read_text("utf-8").splitlines()]
    qrels = [ir_measures.Qrel(query, doc, int(grade)) for query, doc, grade in rows if grade.lstrip("-").isdigit()]
    measured = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run)[ir_measures.nDCG @ 10]
    print(f"{name}: nDCG@10 {measured:.3f}")
    assert measured >= 1.01 * BASELINE[name]
