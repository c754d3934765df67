"""Every form of a spec reads back as the same spec."""

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_core.spec import RetrieverSpec

texts = st.text(max_size=12)
modes = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True) | st.sampled_from(["true", "null", "bm25", "e5"])
providers = st.none() | st.from_regex(r"[a-z0-9][a-z0-9]{0,4}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True).filter(
    lambda name: name not in {"mode", "provider", "retrievers", "options"}
)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
keys = texts.filter(lambda key: key != "mode")


def spec_strategy(scalars):
    def nested(specs):
        values = st.recursive(
            scalars | specs,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
            max_leaves=5,
        )
        return st.builds(
            lambda **fields: RetrieverSpec(**fields),
            mode=modes,
            provider=providers,
            retrievers=st.lists(specs, max_size=3),
            options=st.dictionaries(names, values, max_size=4),
        )

    leaves = st.builds(lambda mode, provider: RetrieverSpec(mode=mode, provider=provider), modes, providers)
    return st.recursive(leaves, nested, max_leaves=6)


specs = spec_strategy(st.none() | st.booleans() | numbers | texts)
specs_without_null = spec_strategy(st.booleans() | numbers | texts)


def same(one, other):
    return one == other and str(one) == str(other) and one.options == other.options


@settings(deadline=None)
@given(specs)
def test_mode_string(spec):
    assert same(RetrieverSpec.parse(str(spec)), spec)


@settings(deadline=None)
@given(specs)
def test_dict_and_json(spec):
    flat = spec.to_obj()
    assert same(RetrieverSpec.from_obj(flat), spec)
    assert same(RetrieverSpec.loads(json.dumps(flat), "json"), spec)
    assert same(RetrieverSpec.model_validate(spec.model_dump()), spec)
    assert same(RetrieverSpec.model_validate_json(spec.model_dump_json()), spec)
    assert hash(RetrieverSpec.from_obj(flat)) == hash(spec)


@settings(deadline=None)
@given(specs)
def test_yaml(spec):
    assert same(RetrieverSpec.loads(yaml.safe_dump(spec.to_obj()), "yaml"), spec)


@settings(deadline=None)
@given(specs_without_null)
def test_toml(spec):
    text = "".join(f"{name} = {toml(value)}\n" for name, value in spec.to_obj().items())
    assert same(RetrieverSpec.loads(text, "toml"), spec)
    assert same(RetrieverSpec.loads(f"retriever = {toml(str(spec))}", "toml"), spec)


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


@settings(deadline=None)
@given(specs)
def test_whitespace_between_the_pieces_does_not_matter(spec):
    text, spaced, at = str(spec), "", 0
    while at < len(text):
        if text[at] == '"':
            _, end = json.JSONDecoder().raw_decode(text, at)
            spaced, at = spaced + text[at:end], end
        else:
            spaced, at = spaced + {",": " \n,\t", "(": " (\r\n ", ":": " : "}.get(text[at], text[at]), at + 1
    assert same(RetrieverSpec.parse(f" {spaced}\n"), spec)


def test_what_the_forms_look_like():
    text = 'fusion(retrieverkit-bm25:bm25, vector(top_k=50), method="rrf", weights=[2, 1])'
    spec = RetrieverSpec.parse(text)
    assert str(spec) == text
    assert spec.to_obj() == {
        "mode": "fusion",
        "retrievers": ["retrieverkit-bm25:bm25", {"mode": "vector", "top_k": 50}],
        "method": "rrf",
        "weights": [2, 1],
    }
    assert spec.retrievers[0].provider == "retrieverkit-bm25"
    assert RetrieverSpec.from_obj({"mode": "bm25", "provider": "RetrieverKit_BM25"}) == spec.retrievers[0]


def test_two_ways_to_write_one_thing():
    parse = RetrieverSpec.parse
    assert parse("auto-merging(bm25)") == parse("auto_merging(bm25,)")
    assert parse("f(retrievers=[a, 'b(k=1)'])") == parse("f(a, b(k=1))")
    assert parse("f(x=(1, 2), y=(3,), z=(4))") == parse("f(z=4, y=[3], x=[1, 2])")
    assert parse("f(x=True, y=None)") == parse("f(x=true, y=null)")
    assert parse('f(x={"mode": "a", "k": 1})') == parse("f(x=a(k=1))")
    assert parse(r"f(x='it\'s \x41\u0042')") == parse('f(x="it\'s AB")')
    assert parse("f(x=1)") != parse("f(x=1.0)") != parse("f(x=True)")
