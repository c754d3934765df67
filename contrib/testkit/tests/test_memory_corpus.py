"""The corpus in memory has settings as any other."""

import pytest

from retrieverkit_core import Corpus, IndexSettings, Node
from retrieverkit_core.errors import ConfigError
from retrieverkit_testkit.memory_corpus import MemoryCorpus


def test_a_change_of_settings_moves_the_head_and_leaves_the_nodes():
    corpus = MemoryCorpus(settings=IndexSettings("de"))
    corpus.add(Node("eins", id="a"))
    before = corpus.head()
    assert isinstance(corpus, Corpus) and corpus.configure(language="de").language == "de"
    assert corpus.head() == before
    assert corpus.configure(searched=["author"]) == corpus.settings == IndexSettings("de", ("author",))
    assert corpus.head() != before and corpus.holds(before)
    corpus.add(Node("zwei", id="b"))
    corpus.delete("a")
    with corpus.snapshot() as view:
        assert [stored.node.id for stored in view.added(before)] == ["b"]
        assert list(view.removed(before)) == [1]
    with pytest.raises(ConfigError):
        corpus.configure(searched="title")
