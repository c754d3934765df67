import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture
def here():
    """The folder that `counting_model` can be imported from."""
    return HERE


@pytest.fixture(scope="session")
def model():
    from counting_model import CountingEmbedder

    return CountingEmbedder


@pytest.fixture
def asked():
    """The texts that a model was asked for, but for the probes."""
    from retrieverkit_indexing.embeddings import PROBE_TEXTS

    return lambda embedder: [text for batch in embedder.asked if batch != list(PROBE_TEXTS) for text in batch]
