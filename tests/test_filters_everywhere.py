"""One filter means the same in every mode, scope included: what brute force says."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modes import searchable_modes

from retrieverkit import Document, Index, QueryBundle
from retrieverkit_core.errors import FilterTypeError, UnknownFieldError
from retrieverkit_testkit.filters_oracle import filter_trees, metadatas, oracle_matches, unhurried

MODES = searchable_modes()


def plainly(tree):
    return tree.model_dump(mode="json")


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@settings(unhurried, max_examples=settings.default.max_examples // 4)
@given(
    corpus=st.lists(metadatas(), min_size=1, max_size=25),
    trees=st.lists(st.tuples(filter_trees(), st.none() | filter_trees()), min_size=1, max_size=6),
    top_k=st.sampled_from([1, 3, 10, 1000]),
)
def test_filters_and_scope_equal_brute_force(mode, corpus, trees, top_k):
    documents = [Document(f"shared word {n % 3}", id=str(n), metadata=m) for n, m in enumerate(corpus)]
    with Index.from_documents(documents) as index:
        retriever = index.as_retriever(mode, top_k=1000)
        retriever.known_fields = None
        ranking = [hit.ref_doc_id for hit in retriever.retrieve("shared")]
        assert sorted(ranking) == sorted(document.id for document in documents)
        for filters, scope in trees:
            wanted = [plainly(tree) for tree in (filters, scope) if tree is not None]
            passing = {d.id for d in documents if all(oracle_matches(tree, d.metadata) for tree in wanted)}
            query = QueryBundle("shared", top_k=top_k, filters=filters, scope=scope)
            try:
                result = retriever.retrieve(query)
            except (UnknownFieldError, FilterTypeError):
                continue  # a leg knows its fields
            found = [hit.ref_doc_id for hit in result]
            assert len(found) == min(top_k, len(passing))
            assert set(found) <= passing
            assert result.filters.leaked == ()
            assert not result.warnings
            again = asyncio.run(retriever.aretrieve(query))
            assert [(h.ref_doc_id, h.score) for h in again] == [(h.ref_doc_id, h.score) for h in result]


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_unknown_fields_and_wrong_kinds_are_errors(mode):
    from retrieverkit import MetadataFilters

    with Index.from_documents([Document("word", id="a", metadata={"year": 1961, "lang": "de"})]) as index:
        for text, error in (("yaer == 1", UnknownFieldError), ("year == '1961'", FilterTypeError)):
            for place in ("filters", "scope"):
                query = QueryBundle("word", **{place: MetadataFilters.parse(text)})
                told = error if place == "filters" else UnknownFieldError  # a scope is told of no field's values
                with pytest.raises(told, match="fix:"):
                    index.retrieve(query, mode)
