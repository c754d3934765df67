"""What other libraries call things: the error says what it is called here, and what it names is there."""

import re

import pytest

import retrieverkit
import retrieverkit_core
from retrieverkit import Document, Index
from retrieverkit.discovery.known_modes import KNOWN_MODES
from retrieverkit.names_elsewhere import CALLS, MODE_ALIASES
from retrieverkit_core.errors import ConfigError, ModeStringError, UnknownModeError


@pytest.fixture
def index():
    with Index.from_documents([Document("ice at the inlet", id="a")]) as made:
        yield made


def test_all_of_the_contract_and_every_error_can_be_imported_from_one_package():
    for name in retrieverkit_core.__all__:
        assert getattr(retrieverkit, name) is getattr(retrieverkit_core, name)
    named = [name for name in vars(retrieverkit_core.errors) if name.endswith("Error")]
    assert len(named) > 30
    for name in named:
        assert getattr(retrieverkit, name) is getattr(retrieverkit_core.errors, name)
    assert {*retrieverkit_core.__all__, *retrieverkit.__all__} <= set(dir(retrieverkit))


def test_what_is_not_of_the_contract_is_not_there():
    for name in ("shorten", "near_matches", "_public", "nothing"):
        assert not hasattr(retrieverkit, name)


def test_every_mode_that_an_alias_names_is_one_of_ours():
    assert set(MODE_ALIASES.values()) <= set(KNOWN_MODES)
    assert not set(MODE_ALIASES) & set(KNOWN_MODES)


@pytest.mark.parametrize("name", CALLS)
def test_what_a_call_of_another_library_is_said_to_be_is_there(name):
    ours = CALLS[name]
    for mode in re.findall(r"the mode '(\w+)'", ours):
        assert mode in KNOWN_MODES
    for method in re.findall(r"\b[iI]ndex\.(\w+)", ours):
        assert hasattr(Index, method)
    for word in re.findall(r"^([A-Z]\w+)", ours):
        assert hasattr(retrieverkit, word)


def test_a_method_of_another_library_says_which_is_ours(index):
    with pytest.raises(AttributeError, match=r"no attribute 'insert'; here it is index\.add$"):
        index.insert(Document("x"))
    with pytest.raises(AttributeError, match="no attribute 'inserted'$"):
        index.inserted  # noqa: B018
    assert getattr(index, "docstore", None) is None


def test_a_class_of_another_library_says_which_is_ours():
    with pytest.raises(AttributeError, match="'TextNode'; here it is Node$"):
        retrieverkit.TextNode  # noqa: B018


def test_the_fix_for_a_mode_of_another_library_names_ours_alone(index):
    with pytest.raises(UnknownModeError, match="it is called 'vector' here") as caught:
        index.as_retriever("embedding")
    assert "summary_embedding'?" not in caught.value.fix


@pytest.mark.parametrize(
    ("name", "near"), [("BM25Retriever", "bm25"), ("QueryFusionRetriever", "query_fusion"), ("Hybrid", "hybrid")]
)
def test_the_name_of_a_class_is_near_a_mode(index, name, near):
    with pytest.raises(ModeStringError) as caught:
        index.as_retriever(name)
    assert caught.value.fix == f"write {near!r}"
    assert near in {**KNOWN_MODES, **MODE_ALIASES}


@pytest.mark.parametrize("name", ["callback_manager", "callbacks"])
def test_callbacks_are_observers(index, name):
    with pytest.raises(ConfigError, match="observers take the place of callbacks") as caught:
        index.as_retriever("bm25", **{name: None})
    assert "hooks=" in caught.value.fix
