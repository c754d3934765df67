"""Pages that a parser would build too deep are refused before they are parsed, and sloppy ones are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from retrieverkit.reading import html_nesting

_NAMES = (
    "div span p li ul td tr table b i a font svg math path title desc foreignobject mi br input button select option "
    "h1 template form object script style x-y nobr em rect pre"
)
NAMES = _NAMES.split()
tags = st.one_of(
    st.sampled_from([f"<{name}>" for name in NAMES]),
    st.sampled_from([f"</{name}>" for name in NAMES]),
    st.sampled_from([f"<{name}/>" for name in NAMES]),
    st.sampled_from(["<b id=N>", "<font id=N>", "<!-->", "<!-- <div> -->", "<!--->", "<a title='>'>", "<i\n>", "text"]),
)


def depth(source):
    deepest = 0
    pending = [(LexborHTMLParser(source).root, 1)]
    while pending:
        node, at = pending.pop()
        deepest = max(deepest, at)
        pending += ((child, at + 1) for child in node.iter())
    return deepest


@settings(max_examples=5 * settings.default.max_examples)
@given(before=st.lists(tags, max_size=3), repeated=st.lists(tags, min_size=1, max_size=6))
def test_what_passes_is_not_deep_whatever_the_parser_repairs(before, repeated):
    page = "".join(before) + "".join("".join(repeated).replace("N", str(number)) for number in range(120))
    limit = 20
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(html_nesting, "MAX_DEPTH", limit)
        patched.setattr(html_nesting, "_MAX_REPEATED", limit * limit)
        passed = not html_nesting.excess(page)
    assert not passed or depth(page) <= 4 * limit + 10


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "page",
    [
        "<div></p>" * 1_000_000,
        "<div></span>" * 1_000_000,
        "<svg>" + "<td>" * 1_000_000,
        "<!-->" + "<div>" * 1_000_000,
        "".join(f"<p><b id={number}></p>" for number in range(20_000)),
        "<div>" * 4_900 + "<div></div>" * 1_500_000,
    ],
    ids=["unmatched", "another", "foreign", "comment", "repeated", "level"],
)
def test_a_page_that_would_take_minutes_is_refused_at_once(page):
    assert html_nesting.excess(page)


@pytest.mark.parametrize(
    "page",
    [
        "<svg><title>icon</title><path d='M0'/><g><rect/></g></svg>" * 20_000,
        "<div><p>a<br>b<li>c<td>d</div>" * 20_000,
        "<a name=x>anchor<p>text" * 20_000,
        "<script>'<div>' * 9</script><style><b></style><!-- <div> -->" * 20_000,
        "<p><b>bold</b> and <i>italic</i></p>" * 20_000,
    ],
    ids=["icons", "unclosed", "anchors", "raw", "formatting"],
)
def test_a_long_page_of_ordinary_html_passes(page):
    assert html_nesting.excess(page) == ""
    assert depth(page) < 50
