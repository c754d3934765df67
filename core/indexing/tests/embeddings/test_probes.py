import pytest

from retrieverkit_core.errors import EmbeddingMismatchError, InvalidEmbeddingError
from retrieverkit_indexing.embeddings import PROBE_TEXTS, probe, require_same_model, same_model

np = pytest.importorskip("numpy")


class Shifted:
    def __init__(self, inner, shift):
        self.inner, self.shift = inner, shift
        self.dimension, self.fingerprint = inner.dimension, inner.fingerprint

    def embed_documents(self, texts):
        vectors = self.inner.embed_documents(texts)
        return vectors * 3 + self.shift * np.roll(vectors, 1, axis=1)


def test_a_model_is_told_from_another_but_not_from_itself_on_another_machine(model):
    stored = probe(model())
    assert same_model(stored, probe(model()))
    assert same_model(stored, probe(Shifted(model(), 1e-3)))
    assert not same_model(stored, probe(Shifted(model(), 0.1)))
    assert not same_model(stored, probe(model(seed=1)))
    assert not same_model(stored, probe(model(dimension=9)))


def test_one_changed_probe_is_enough(model):
    class Tampered(model):
        def vector(self, text):
            return super().vector(text) * (-1 if text == PROBE_TEXTS[2] else 1)

    assert not same_model(probe(model()), probe(Tampered()))


@pytest.mark.parametrize("damaged", ["", "!", "AAAA", "é", "A" * 64])
def test_a_damaged_probe_is_no_model(model, damaged):
    assert not same_model(damaged, probe(model()))


def test_the_error_names_the_command_that_embeds_again(model):
    stored = probe(model())
    require_same_model(stored, probe(model()), model="counting")
    with pytest.raises(EmbeddingMismatchError, match="retriever reindex --index notes.rk") as caught:
        require_same_model(stored, probe(model(seed=1)), model="counting", index="notes.rk")
    assert "'counting'" in caught.value.message


def test_a_model_that_gives_no_usable_probe_is_refused(model):
    broken = model()
    broken.embed_documents = lambda texts: np.full((len(texts), 8), np.nan)
    with pytest.raises(InvalidEmbeddingError, match="row 0 holds NaN"):
        probe(broken)
