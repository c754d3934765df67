"""Pictures of paths."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core.errors import ConfigError
from retrieverkit_property_graph import Picture, draw

SVG = "{http://www.w3.org/2000/svg}"
TEXT = st.text(st.characters(exclude_categories=[]), min_size=1, max_size=60)


def step(subject, relation, object_):
    return {"subject": subject, "relation": relation, "object": object_, "nodes": []}


@pytest.mark.needs("retrieverkit_vector")
def test_a_result_a_hit_and_their_paths_are_drawn():
    triples = [["Ada", "met", "Babbage"], ["Ada", "wrote", "Notes"]]
    with Index.from_documents([Document("Ada", id="a", metadata={"triples": triples})]) as index:
        result = index.retrieve("Ada", "graph_vector")
    for what in (result, result[0], result[0].evidence[0].details["paths"]):
        picture = draw(what)
        assert picture.names == ["Ada", "Babbage", "Notes"]
        assert repr(picture) == "<Picture of 3 entities and 2 relations>"
        drawn = ElementTree.fromstring(picture._repr_svg_())
        assert [text.text for text in drawn.iter(f"{SVG}text")] == ["Ada", "Babbage", "Notes", "met", "wrote"]
    assert picture.mermaid() == (
        'graph LR\n    e0["Ada"]\n    e1["Babbage"]\n    e2["Notes"]\n    e0 -->|"met"| e1\n    e0 -->|"wrote"| e2\n'
    )


@given(paths=st.lists(st.lists(st.builds(step, TEXT, TEXT, TEXT), max_size=3), max_size=4))
def test_no_text_ends_what_it_stands_in(paths):
    picture = draw(paths)
    drawn = ElementTree.fromstring(picture.svg())
    assert {element.tag.removeprefix(SVG) for element in drawn.iter()} <= {
        *("svg", "rect", "path", "polygon", "g", "title", "text")
    }
    assert len(list(drawn.iter(f"{SVG}title"))) == len(picture.names)
    lines = picture.mermaid().splitlines()
    assert len(lines) == 1 + len(picture.names) + len(picture.edges)
    assert all(line.count('"') == 2 and "<" not in line for line in lines[1:])


def test_what_stands_in_a_loop_or_alone_is_drawn():
    loop = Picture([[step("a", "is", "a")], [step("b", "likes", "c"), step("c", "likes", "b")]], entities=["alone"])
    assert loop.names == ["alone", "a", "b", "c"]
    assert len(list(ElementTree.fromstring(loop.svg()).iter(f"{SVG}polygon"))) == 3
    assert draw([]).svg().startswith("<svg")


@pytest.mark.parametrize("what", ["text", 3, {"paths": []}, [3], [["x"]], [[{"subject": 1}]]])
def test_what_cannot_be_drawn_is_an_error(what):
    with pytest.raises(ConfigError, match="nothing to draw"):
        draw(what)
