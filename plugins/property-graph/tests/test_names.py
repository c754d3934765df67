import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_property_graph.names import key_of


@pytest.mark.parametrize(
    "spellings",
    [
        ("Acme, Inc.", "ACME INC", "acme\u00a0inc", "Ａｃｍｅ  Inc"),
        ("Person-centered therapy", "person centered therapy", "Person – Centered Therapy"),
        ("Straße", "STRASSE"),
        ("ﬁle", "FILE"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("Babbage", "Bab\u00adbage", "\ufeffBabbage", "\u202aBabbage\u202c", "Bab\u2060bage"),
        ("葛城", "葛\U000e0100城"),
        ("\u1f88", "\u0391\u0313\u200d\u0345"),
    ],
)
def test_spellings_of_one_name_have_one_key(spellings):
    assert len({key_of(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    "names", [("C", "C#", "C++"), ("AT&T", "AT T"), ("Zoe", "Zoë"), ("...", "!"), ("北京", "東京")]
)
def test_other_names_have_other_keys(names):
    assert len({key_of(name) for name in names}) == len(names)


@given(st.text())
def test_a_key_is_its_own_and_blank_only_where_the_name_is(name):
    assert key_of(key_of(name)) == key_of(name)
    assert bool(key_of(name)) == bool(name.split())
    assert key_of(f"  {name.upper()} ") == key_of(f"{name.upper()}")
