"""A setting that names what is not there is reported: a block that blocks nothing must not look like one."""

import pytest

from retrieverkit import Document, Index
from retrieverkit_core.errors import ConfigError


@pytest.fixture
def retriever(site, discovery):
    site.add("dist-a", "alpha")
    site.add("dist-b", "some_mode")

    def make(**settings):
        with Index.from_documents([Document("x")], discovery=discovery, **settings) as index:
            return index.as_retriever("alpha")

    return make


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("BLOCK", "dist-aa", "names dist-aa, which is not installed, so it changes nothing; did you mean dist-a?"),
        ("BLOCK", "mode:some_mod", "did you mean mode:some_mode?"),
        ("PREFER", "alpah=dist-a", "names alpah"),
        ("PREFER", "some_mode=dist_c", "names dist-c"),
        ("PLUGINS", "dist-a,dist-b,dist-z", "names dist-z"),
    ],
)
def test_a_name_in_the_environment_that_is_not_there(retriever, monkeypatch, variable, value, told):
    monkeypatch.setenv(f"RETRIEVERKIT_{variable}", value)
    (note,) = retriever().notes
    assert note.startswith(f"RETRIEVERKIT_{variable} ") and told in note
    assert retriever().retrieve("q").notes == (note,)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BLOCK", "dist-b,mode:some_mode,retrieverkit-bm25,mode:bm25"),
        ("PREFER", "alpha=dist_a,some-mode=dist-b"),
        ("PLUGINS", "Dist_A"),
        ("PLUGINS", "dist-a,retrieverkit-vector"),
    ],
)
def test_names_that_are_installed_or_known_are_not_worth_a_word(retriever, monkeypatch, variable, value):
    monkeypatch.setenv(f"RETRIEVERKIT_{variable}", value)
    assert retriever().notes == ()


def test_a_programs_own_choice_must_name_a_mode(retriever):
    assert retriever(prefer={"alpha": "dist-a", "some-mode": "dist-b"}).distribution == "dist-a 1.0"
    with pytest.raises(ConfigError, match="'alpah', which is not there") as caught:
        retriever(prefer={"alpah": "dist-a"})
    assert "did you mean 'alpha'" in caught.value.fix


def test_a_programs_choice_is_read_like_a_mode(site, discovery):
    site.add("dist-a", "some_mode")
    site.add("dist-b", "some_mode")
    with Index.from_documents([Document("x")], discovery=discovery, prefer={"some-mode": "dist-b"}) as index:
        assert index.as_retriever("some_mode").distribution == "dist-b 1.0"
