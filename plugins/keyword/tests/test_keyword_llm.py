import gc
import os
import signal

import pytest

from retrieverkit import Document, Index
from retrieverkit_core import Budget, Node, QueryBundle
from retrieverkit_core.errors import BudgetExceededError, ServiceError
from retrieverkit_keyword import KeywordLLMRetriever
from retrieverkit_keyword.llm.extraction import PART_CHARS
from retrieverkit_testkit.memory_corpus import MemoryCorpus
from retrieverkit_testkit.models import ScriptedModel

TOPICS = {"a": ["turbine hall", "flood"], "b": ["frozen inlet"], "c": ["Turbines"]}


def topics(prompt):
    (text,) = prompt.data
    return {"keywords": TOPICS.get(text, text.split())}


def first_words(prompt):
    return {"keywords": prompt.data[0].split()[:3]}


def ids(result):
    return [hit.node.id for hit in result]


@pytest.fixture
def model():
    return ScriptedModel(topics)


def asked_of(model):
    return sorted(prompt.data[0] for prompt in model.asked)


def test_nodes_and_queries_have_the_keywords_that_the_model_names(new_corpus, tmp_path, model):
    retriever = KeywordLLMRetriever(new_corpus(["a", "b", "c", " "]), tmp_path, model)
    result = retriever.retrieve("turbine halls")
    assert [(hit.node.id, hit.score) for hit in result] == [("n0", 2.0), ("n2", 1.0)]
    assert result[0].evidence[0].details == {"keywords": ["turbine", "halls"]}
    assert asked_of(model) == ["a", "b", "c", "turbine halls"]
    assert all("{" not in prompt.system and "10" in prompt.system for prompt in model.asked)
    assert result.notes == ("keywords: by scripted",)


def test_a_phrase_counts_beside_its_words(new_corpus, tmp_path):
    model = ScriptedModel(lambda prompt: {"keywords": [prompt.data[0]]})
    retriever = KeywordLLMRetriever(new_corpus(["hall turbine", "turbine hall"]), tmp_path, model)
    result = retriever.retrieve("Turbine halls")
    assert [(hit.node.id, hit.score) for hit in result] == [("n1", 3.0), ("n0", 2.0)]
    assert result[0].evidence[0].details == {"keywords": ["Turbine halls", "Turbine", "halls"]}


def test_nothing_is_paid_for_twice(new_corpus, tmp_path, model):
    corpus = new_corpus(["a", "b"])
    retriever = KeywordLLMRetriever(corpus, tmp_path, model)
    retriever.retrieve("flood")
    retriever.retrieve("flood", top_k=1)
    retriever.index.rebuild("to see what is asked")
    KeywordLLMRetriever(corpus, tmp_path, model, rank_by="weight", language="de").index.reader()
    assert asked_of(model) == ["a", "b", "flood"]
    corpus.add(Node(text="c", id="n2"), Node(text="a", id="n3"))
    assert ids(retriever.retrieve("flood")) == ["n0", "n3"]
    assert asked_of(model) == ["a", "b", "c", "flood"]


def test_the_model_does_not_see_a_title_that_the_node_excludes_for_models(tmp_path, model):
    secret = Node("a", id="n0", metadata={"title": "secret"}, excluded_llm_metadata_keys=["title"])
    corpus = MemoryCorpus()
    corpus.add(secret, Node("b", id="n1", metadata={"title": "c"}))
    retriever = KeywordLLMRetriever(corpus, tmp_path, model)
    planned = retriever.plan("flood").as_dict()
    retriever.retrieve("flood")
    assert asked_of(model) == ["a", "c\n\nb", "flood"]
    assert "secret" not in str(planned)


def test_another_prompt_or_model_is_asked_again(new_corpus, tmp_path, model):
    corpus = new_corpus(["a"])
    retriever = KeywordLLMRetriever(corpus, tmp_path, model)
    retriever.retrieve("flood")
    retriever.update_prompts(extract_query="Keywords of the question, {max_keywords} at most.")
    assert ids(retriever.retrieve("flood")) == ["n0"]
    assert asked_of(model) == ["a", "flood", "flood"]
    retriever.update_prompts(extract="Keywords of the text, {max_keywords} at most.")
    assert ids(retriever.retrieve("flood")) == ["n0"]
    assert model.asked[-2].system == "Keywords of the text, 10 at most."
    other = ScriptedModel(topics, name="other")
    KeywordLLMRetriever(corpus, tmp_path, other).retrieve("flood")
    assert asked_of(other) == ["a", "flood"]


def test_a_budget_that_runs_out_in_a_build_loses_nothing(new_corpus, tmp_path, model):
    texts = [f"t{n}" for n in range(7)]
    retriever = KeywordLLMRetriever(new_corpus(texts), tmp_path, model)
    for _ in range(3):
        with pytest.raises(BudgetExceededError):
            retriever.retrieve(QueryBundle("t3", budget=Budget(llm_calls=2)))
    assert ids(retriever.retrieve(QueryBundle("t3", budget=Budget(llm_calls=2)))) == ["n3"]
    assert asked_of(model) == sorted([*texts, "t3"])


def test_a_model_that_fails_for_one_node_is_asked_for_that_one_again(new_corpus, tmp_path):
    failing = [True]
    model = ScriptedModel(lambda p: ServiceError("no answer") if p.data == ("b",) and failing.pop() else topics(p))
    retriever = KeywordLLMRetriever(new_corpus(["a", "b", "c"]), tmp_path, model)
    with pytest.raises(ServiceError, match="no answer"):
        retriever.retrieve("inlet")
    failing.append(False)
    retriever.index.rebuild("at once")
    assert ids(retriever.retrieve("inlet")) == ["n1"]
    assert asked_of(model) == ["a", "b", "b", "c", "inlet"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_was_paid_for_before_a_kill_is_kept(tmp_path):
    texts = [f"word{n}" for n in range(30)]
    with Index.create(tmp_path / "i.rk") as index:
        index.add(Document(text, id=text) for text in texts)
    child = os.fork()
    if not child:
        seen = []

        def answer(prompt):
            seen.append(prompt)
            if len(seen) == 20:
                os.kill(os.getpid(), signal.SIGKILL)
            return first_words(prompt)

        with Index.open(tmp_path / "i.rk", llm=ScriptedModel(answer)) as index:
            index.retrieve("word7", retriever_mode="keyword_llm")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    model = ScriptedModel(first_words)
    with Index.open(tmp_path / "i.rk", llm=model) as index:
        result = index.retrieve("word7", retriever_mode="keyword_llm")
        assert [hit.ref_doc_id for hit in result] == ["word7"]
    assert len(model.asked) - 1 <= 30 - (19 - 8)


def test_a_plan_says_what_a_query_would_take(new_corpus, tmp_path, model):
    corpus = new_corpus(["a", "b", ""])
    retriever = KeywordLLMRetriever(corpus, tmp_path, model)
    plan = retriever.plan("flood")
    assert (plan.total("llm_calls"), plan.llm_calls, plan.parts[0].once) == (3, 1, True)
    scoped = retriever.plan("flood", scope="tenant == 'x'")
    assert not scoped.complete
    assert not set("23") & set(str(scoped.parts[0]))
    assert model.asked == []
    retriever.retrieve("flood")
    assert retriever.plan("flood").total("llm_calls") == 0
    corpus.add(Node(text="c", id="n3"), Node(text="a", id="n4"))
    assert retriever.plan("another").total("llm_calls") == 2


def test_a_long_text_is_asked_about_in_parts(new_corpus, tmp_path):
    model = ScriptedModel(first_words)
    text = "fog " * (PART_CHARS // 4) + "keel mast"
    retriever = KeywordLLMRetriever(new_corpus([text]), tmp_path, model)
    assert ids(retriever.retrieve("keel")) == ["n0"]
    assert [len(prompt.data[0]) for prompt in model.asked] == [PART_CHARS, 9, 4]


def test_a_model_that_names_nothing_finds_nothing(new_corpus, tmp_path):
    model = ScriptedModel(lambda prompt: {"keywords": ["the", "", "?"]})
    result = KeywordLLMRetriever(new_corpus(["a"]), tmp_path, model).retrieve("a")
    assert list(result) == []
    assert "keyword_llm: the query has no keywords, so nothing was searched for" in result.notes


def test_where_nothing_may_be_written_what_was_paid_for_is_used(tmp_path, model):
    corpus = MemoryCorpus()
    corpus.add(Node(text="a", id="n0"))
    KeywordLLMRetriever(corpus, tmp_path, model).retrieve("flood")
    gc.collect()  # the file is closed
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    corpus.writable = False
    result = KeywordLLMRetriever(corpus, tmp_path, model).retrieve("floods")
    assert ids(result) == ["n0"]
    assert asked_of(model) == ["a", "flood", "floods"]
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_the_class_answers_as_the_mode_string_does(model):
    index = Index.from_documents([Document(text, id=text) for text in "abc"], llm=model)
    named = index.as_retriever("keyword_llm(top_k=1, max_keywords=2)")
    made = KeywordLLMRetriever(index.corpus, index.storage, model, top_k=1, max_keywords=2)
    for query in ("turbine", "inlet flood"):
        assert list(named.retrieve(query)) == list(made.retrieve(query))
    assert named.get_prompts() == made.get_prompts()
    assert set(named.get_prompts()) == {"extract", "extract_query"}
