"""The conformance kit on the keyword modes."""

import pytest

from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


class TestKeyword(RetrieverConformance):
    retriever_mode = "keyword"
    capabilities = ["deterministic", "ranks-by-query", "lexical"]


@pytest.mark.same_code
class TestKeywordByWeight(RetrieverConformance):
    retriever_mode = 'keyword(max_keywords=1000, max_query_keywords=5000, rank_by="weight")'
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


@pytest.mark.same_code
class TestKeywordRake(RetrieverConformance):
    retriever_mode = "keyword_rake"
    capabilities = ["deterministic", "ranks-by-query", "lexical"]
    quick = True


def words(prompt):
    return {"keywords": prompt.data[0].split()}


@pytest.mark.same_code
class TestKeywordLLM(RetrieverConformance):
    retriever_mode = for_mode("keyword_llm(max_keywords=1000, max_query_keywords=5000)", llm=ScriptedModel(words))
    capabilities = ["deterministic", "ranks-by-query", "lexical"]
    quick = True


class TestGrep(RetrieverConformance):
    retriever_mode = "grep"


@pytest.mark.same_code
class TestGrepInTheOrderOfTheCorpus(RetrieverConformance):
    retriever_mode = 'grep(order="corpus", case="match")'
    quick = True
