"""The forward pass of a BERT encoder (J. Devlin et al., 2018) with mean pooling, in float32.

The tokens of all texts of a batch lie one after the other in one matrix, so that no work goes into padding; only
attention looks at one text, or several of equal length, at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from retrieverkit_indexing.forks import no_fork
from retrieverkit_vector.embeddings.minilm.activation import gelu

Matrix = NDArray[np.float32]

_EPSILON = 1e-12
_BLOCK = 256
"""Tokens that go through a feed-forward layer at once: their 1,536 activations stay in the processor's cache."""
_SCORES = 1 << 18
"""Attention scores that are computed at once, for the same reason."""


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Matrix
    bias: Matrix

    def __call__(self, x: Matrix) -> Matrix:
        with no_fork:
            y: Matrix = x @ self.weight
        y += self.bias
        return y


@dataclass(frozen=True, slots=True)
class _Norm:
    scale: Matrix
    shift: Matrix

    def __call__(self, x: Matrix) -> Matrix:
        """Overwrite each row with its deviations from its mean by its standard deviation, scaled and shifted."""
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
        x /= np.sqrt(variance + np.float32(_EPSILON))[:, None]
        x *= self.scale
        x += self.shift
        return x


@dataclass(frozen=True, slots=True)
class _Layer:
    attention: _Linear  # queries, keys and values side by side
    mix: _Linear
    mix_norm: _Norm
    widen: _Linear
    narrow: _Linear
    narrow_norm: _Norm


class Bert:
    """A BERT encoder.

    Args:
        tensors: The weights by their names in the published files.
        heads: The number of attention heads.
    """

    def __init__(self, tensors: Mapping[str, Matrix], heads: int) -> None:
        self._heads = heads
        self._words = tensors["embeddings.word_embeddings.weight"]
        self._positions = (
            tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _norm(tensors, "embeddings.LayerNorm")
        count = sum(name.endswith("attention.self.query.weight") for name in tensors)
        self._layers = [_layer(tensors, f"encoder.layer.{number}") for number in range(count)]
        self.dimension = int(self._words.shape[1])

    def pooled(self, texts: Sequence[NDArray[np.int64]]) -> Matrix:
        """Return the mean of each text's last hidden states, shape ``(len(texts), dimension)``.

        Args:
            texts: The token ids of each text, at least one a text. Texts of equal length should be neighbours.
        """
        lengths = [len(ids) for ids in texts]
        places = np.concatenate([np.arange(length) for length in lengths])
        x = self._norm(self._words[np.concatenate(texts)] + self._positions[places])
        runs = _runs(lengths, self._heads)
        for layer in self._layers:
            mixed = layer.mix(self._attend(layer.attention(x), runs))
            mixed += x
            x = _feed_forward(layer, layer.mix_norm(mixed))
        starts = np.cumsum([0, *lengths[:-1]])
        pooled: Matrix = np.add.reduceat(x, starts, axis=0)
        pooled /= np.array(lengths, np.float32)[:, None]
        return pooled

    def _attend(self, projected: Matrix, runs: Sequence[tuple[int, int, int]]) -> Matrix:
        """Return for each token the values of its text's tokens, weighted by softmax(query . key / sqrt(size))."""
        tokens, width = projected.shape[0], projected.shape[1] // 3
        size = width // self._heads
        result = np.empty((tokens, width), np.float32)
        for start, count, length in runs:
            rows = slice(start, start + count * length)
            parts = projected[rows].reshape(count, length, 3, self._heads, size).transpose(2, 0, 3, 1, 4)
            queries, keys, values = parts
            with no_fork:
                scores = queries @ keys.transpose(0, 1, 3, 2)
            scores *= np.float32(size**-0.5)
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            with no_fork:
                context = scores @ values
            context /= scores.sum(axis=-1, keepdims=True)
            result[rows].reshape(count, length, self._heads, size)[:] = context.transpose(0, 2, 1, 3)
        return result


def _feed_forward(layer: _Layer, x: Matrix) -> Matrix:
    result = np.empty_like(x)
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        wide = gelu(layer.widen(x[rows]))
        with no_fork:
            np.matmul(wide, layer.narrow.weight, out=result[rows])
    result += layer.narrow.bias
    result += x
    return layer.narrow_norm(result)


def _runs(lengths: Sequence[int], heads: int) -> list[tuple[int, int, int]]:
    """Return (first token, number of texts, tokens a text) for neighbouring texts of equal length."""
    runs, start = [], 0
    for length, group in groupby(lengths):
        left = len(list(group))
        at_once = max(1, _SCORES // (heads * length * length))
        while left:
            count = min(left, at_once)
            runs.append((start, count, length))
            start += count * length
            left -= count
    return runs


def _layer(tensors: Mapping[str, Matrix], name: str) -> _Layer:
    parts = [_linear(tensors, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
    attention = _Linear(
        np.concatenate([part.weight for part in parts], axis=1), np.concatenate([part.bias for part in parts])
    )
    return _Layer(
        attention,
        _linear(tensors, f"{name}.attention.output.dense"),
        _norm(tensors, f"{name}.attention.output.LayerNorm"),
        _linear(tensors, f"{name}.intermediate.dense"),
        _linear(tensors, f"{name}.output.dense"),
        _norm(tensors, f"{name}.output.LayerNorm"),
    )


def _linear(tensors: Mapping[str, Matrix], name: str) -> _Linear:
    return _Linear(np.ascontiguousarray(tensors[f"{name}.weight"].T), tensors[f"{name}.bias"])


def _norm(tensors: Mapping[str, Matrix], name: str) -> _Norm:
    return _Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"])
