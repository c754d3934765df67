"""Whatever is written wrongly is refused with a typed error that points at the place."""

import json
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_core.errors import ConfigError, ModeStringError
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("", 1, "empty"),
        ("  ", 3, "empty"),
        ("fusion(bm25, vector", 7, "add ')'"),
        ("fusion(bm25(top_k=[1)", 21, "expected ',' or ']'"),
        ("fusion(bm25 vector)", 13, "expected ',' or ')'"),
        ("fusion(,)", 8, "expected a value"),
        ("fusion(method='rrf', bm25)", 22, "retrievers first"),
        ("bm25(top_k=1, top_k=2)", 15, "given twice"),
        ("bm25(top-k=1)", 6, "write top_k="),
        ("bm25(20)", 6, "OPTION=20"),
        ("fusion('bm25')", 8, "remove the quotes"),
        ("bm25(top_k=)", 12, "expected a value"),
        ("bm25(language=English)", 15, 'language="English"'),
        ("bm25(language='en)", 15, "never closed"),
        ("bm25(language=“en”)", 15, "straight quotes"),
        ("bm25(mode='x')", 6, "no option can be called"),
        ("fusion(bm25, retrievers=[vector])", 14, "given twice"),
        ("bm25) or x", 5, "after the end"),
        ("BM25", 1, "write 'bm25'"),
        ("Auto Merging", 1, "write 'auto'"),
        ("bм25", 2, "CYRILLIC SMALL LETTER EM"),
        ("ｂｍ２５", 1, "FULLWIDTH LATIN SMALL LETTER B"),
        ("bm25\0", 5, "U+0000"),
        ("bm25(x='a\0')", 10, "U+0000"),
        ("bm25\xa0(top_k=1)", 5, "NO-BREAK SPACE"),
        ("a:b:c", 4, "after the end"),
        ("a.b-:c", 1, "distribution's name"),
        ("dist:", 6, "after ':'"),
        ("../../x", 1, "unexpected character"),
        ("__import__('os')", 1, "not a mode's name"),
        ("bm25(x=1e999)", 8, "not a number"),
        ("bm25(x=9223372036854775808)", 8, "64 bits"),
        ("bm25(x=007)", 8, "not a mode's name"),
        ("bm25(x=" + "9" * 5000 + ")", 8, "not a number"),
        (r"bm25(x='\q')", 9, "no character"),
        (r"bm25(x='\ud800')", 8, "surrogate"),
        ("bm25(x={a: 1})", 9, 'write "a"'),
        ("bm25(x={'a': 1, 'a': 2})", 17, "given twice"),
        ("bm25(x={'mode': 'Not A Mode'})", 8, "not a mode's name"),
        ("f(" * 33 + ")" * 33, 65, "32 deep"),
        ("f(x=" + "[" * 40 + "]" * 40 + ")", 36, "32 deep"),
        ("x" * 1_000_000, 1, "1,000,000 characters"),
        ("f" + "(" * 9_999, 34, "32 deep"),
    ],
)
def test_a_mode_string_that_cannot_be_read_points_at_the_column(text, column, told):
    with pytest.raises(ModeStringError) as caught:
        RetrieverSpec.parse(text)
    message = str(caught.value)
    assert caught.value.column == column, message
    assert told in message
    assert len(message) < 600
    assert "\0" not in message


@settings(deadline=None)
@given(st.text(max_size=40) | st.text("abf12(),=[]{}:'\"-. \\", max_size=40))
def test_any_text_is_a_spec_or_a_mode_string_error(text):
    try:
        spec = RetrieverSpec.parse(text)
    except ModeStringError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert RetrieverSpec.parse(str(spec)) == spec


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)


@settings(deadline=None)
@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner), max_leaves=9))
def test_python_literals_mean_what_they_mean_in_python(value):
    assert RetrieverSpec.parse(f"bm25(x={value!r})").options["x"] == value


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (None, "describes no retriever"),
        (["bm25"], "describes no retriever"),
        ({}, "'mode' is missing"),
        ({"mode": 3}, "is text"),
        ({"mode": "bm25(top_k=3)"}, "takes a name alone"),
        ({"mode": "a:bm25", "provider": "b"}, "two distributions"),
        ({"mode": "bm25", "provider": 3}, "is text"),
        ({"mode": "fusion", "retrievers": "bm25"}, "a list is expected"),
        ({"mode": "fusion", "retrievers": ["bm25("]}, "never closed"),
        ({"mode": "bm25", "options": 0}, "a dict is expected"),
        ({"mode": "bm25", "top_k": 1, "options": {"top_k": 2}}, "given twice"),
        ({"mode": "bm25", "options": {"retrievers": []}}, "no option can be called"),
        ({"mode": "bm25", "top-k": 3}, "write 'top_k'"),
        ({"mode": "bm25", 3: 3}, "not an option's name"),
        ({"mode": "bm25", "since": date(2020, 1, 1)}, "write a date as text"),
        ({"mode": "bm25", "x": float("nan")}, "finite"),
        ({"mode": "bm25", "x": [{1: 2}]}, "not text"),
        ({"mode": "bm25", "x": "\ud800"}, "surrogate"),
        ({"mode": "bm25", "x": {1, 2}}, "cannot be written"),
        ({"mode": "bm25", "x": {"mode": None}}, "is text"),
    ],
)
def test_a_dict_that_describes_no_retriever(written, told):
    with pytest.raises(ConfigError) as caught:
        RetrieverSpec.from_obj(written)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 600


def test_the_constructor_raises_the_same_errors():
    with pytest.raises(ConfigError, match="write 'bm25'"):
        RetrieverSpec(mode="BM25")
    with pytest.raises(ConfigError, match="describes no retriever"):
        RetrieverSpec(mode="fusion", retrievers=[3])


def test_what_is_nested_without_end_is_refused():
    loop = {"mode": "f"}
    loop["retrievers"] = [loop]
    values = []
    values.append(values)
    spec = RetrieverSpec.parse("a")
    with pytest.raises(ConfigError, match="32 deep"):
        RetrieverSpec.from_obj(loop)
    with pytest.raises(ConfigError, match="32 deep"):
        RetrieverSpec(mode="f", x=values)
    with pytest.raises(ConfigError, match="32 deep"):
        for _ in range(33):
            spec = RetrieverSpec(mode="f", retrievers=[spec])
    wide = ["x"]
    for _ in range(20):
        wide = [wide] * 10
    with pytest.raises(ConfigError, match="100,000 values"):
        RetrieverSpec(mode="f", x=wide)


def test_a_spec_does_not_share_what_it_was_made_from():
    weights = [1, 2]
    spec = RetrieverSpec(mode="fusion", weights=weights)
    weights.append(3)
    spec.to_obj()["weights"].append(4)
    assert str(spec) == "fusion(weights=[1, 2])"


class Fusing(ModeOptions):
    retrievers: tuple[RetrieverSpec, ...]
    reranker: RetrieverSpec | None = None


def test_a_field_of_an_options_model_takes_a_string_a_dict_or_a_spec():
    vector = RetrieverSpec.parse("vector(top_k=3)")
    made = Fusing(retrievers=("bm25", {"mode": "vector", "top_k": 3}, vector), reranker="a(b)")
    assert made.retrievers == (RetrieverSpec.parse("bm25"), vector, vector)
    assert made.model_dump()["reranker"] == {"mode": "a", "retrievers": ["b"]}
    assert Fusing.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(ValueError, match="never closed"):
        Fusing(retrievers=("bm25(",))


def test_json_schema_is_plain_json_and_names_the_keys():
    schema = json.loads(json.dumps(RetrieverSpec.json_schema()))
    described = schema["$defs"]["Retriever"]["anyOf"][1]
    assert described["required"] == ["mode"]
    assert described["properties"]["retrievers"]["items"] == {"$ref": schema["$ref"]}
    assert Fusing.model_json_schema()["$defs"]["RetrieverSpec"]["anyOf"][0]["type"] == "string"


def test_reading_a_hostile_mode_string_imports_and_opens_nothing():
    from retrieverkit_core.spec import _parser, _writer  # noqa: F401 - what reading needs is already loaded

    seen = []
    watching = True
    watched = ("import", "open", "exec", "compile", "os.system", "subprocess.Popen", "socket.connect")

    def watch(event, arguments):
        if watching and event in watched:
            seen.append((event, arguments))

    hostile = [
        "__import__('os').system('id')",
        "os:system",
        "os.path:join(a=1)",
        "antigravity",
        "this(x=os, y=subprocess(z='a'))",
        "a(x={'mode': 'antigravity'})",
        "eval(x='1+1')",
        "../../etc/passwd",
        "bm25(x=lambda: 0)",
        "f'{1}'",
    ]
    sys.addaudithook(watch)
    try:
        for text in hostile:
            try:
                str(RetrieverSpec.parse(text))
            except ModeStringError as error:
                str(error)
    finally:
        watching = False
    assert seen == []
