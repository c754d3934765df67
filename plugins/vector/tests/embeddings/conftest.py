import json
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def evaluation_data():
    """Read a shared evaluation set: documents by id, queries by id, qrels; skip where the data is absent."""
    ir_measures = pytest.importorskip("ir_measures")
    beside = Path(__file__).resolve().parents[4].parent / "shared" / "data"
    folder = Path(os.environ.get("RETRIEVERKIT_EVALUATION_DATA", beside))

    def read(name):
        if not (folder / name).is_dir():
            pytest.skip(f"no evaluation data in {folder / name}")
        with open(folder / name / "corpus.jsonl", encoding="utf-8") as file:
            rows = map(json.loads, file)
            documents = {row["_id"]: f"{row['title']} {row['text']}" for row in rows}
        with open(folder / name / "queries.jsonl", encoding="utf-8") as file:
            queries = {row["_id"]: row["text"] for row in map(json.loads, file)}
        with open(folder / name / "qrels.tsv", encoding="utf-8") as file:
            rows = [line.split() for line in file]
        qrels = [ir_measures.Qrel(row[0], row[-2], int(row[-1])) for row in rows if row[-1].lstrip("-").isdigit()]
        return documents, queries, qrels

    return read


@pytest.fixture(scope="session")
def measured():
    """Rank by exact cosine and return nDCG@10 and Recall@100."""
    ir_measures = pytest.importorskip("ir_measures")
    import numpy as np

    def measure(embedder, documents, queries, qrels):
        ids = list(documents)
        scores = embedder.embed_queries(list(queries.values())) @ embedder.embed_documents(list(documents.values())).T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :100]
        run = [
            ir_measures.ScoredDoc(query, ids[at], float(scores[row, at]))
            for row, query in enumerate(queries)
            for at in best[row]
        ]
        found = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.R @ 100], qrels, run)
        return found[ir_measures.nDCG @ 10], found[ir_measures.R @ 100]

    return measure
