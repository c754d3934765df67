"""The tokenizer of all-MiniLM-L6-v2, made by its rules from a vocabulary that is known to be the official one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.errors import MissingServiceError

MAX_TOKENS = 256
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
"""Of the tokens in the order of their ids, each followed by a line feed, as in bert-base-uncased's vocab.txt."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class WordPieces:
    """Turns texts into token ids.

    Args:
        path: A ``tokenizer.json``. Only its vocabulary is used: how long texts are cut and padded differs from copy to
            copy.

    Raises:
        MissingServiceError: The file cannot be read, or its vocabulary is not the official one.
    """

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer
        from tokenizers.models import WordPiece
        from tokenizers.normalizers import BertNormalizer
        from tokenizers.pre_tokenizers import BertPreTokenizer
        from tokenizers.processors import BertProcessing

        vocabulary = _vocabulary(path)
        self._tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
        self._tokenizer.normalizer = BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = BertPreTokenizer()
        self._tokenizer.post_processor = BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
        self._tokenizer.add_special_tokens(list(_SPECIAL))
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def __call__(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return the ids of each text's tokens, cut to 256, [CLS] first and [SEP] last."""
        return [np.array(self._tokenizer.encode(_valid(text)).ids) for text in texts]

    def longer(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether it is cut. No token has less than a character, but for the first and last."""
        return [len(text) > MAX_TOKENS - 2 and bool(self._tokenizer.encode(_valid(text)).overflowing) for text in texts]


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # no lone surrogates


def _vocabulary(path: Path) -> dict[str, int]:
    try:
        vocabulary: dict[str, int] = json.loads(path.read_bytes())["model"]["vocab"]
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        in_order = [vocabulary[token] for token in tokens] == list(range(len(tokens)))
        found = hashlib.sha256("".join(f"{token}\n" for token in tokens).encode()).hexdigest()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise MissingServiceError(f"the tokenizer in {path} cannot be read: {error!r}") from error
    if not in_order or found != VOCABULARY_SHA256:
        raise MissingServiceError(
            f"the vocabulary in {path} is not that of all-MiniLM-L6-v2: SHA-256 {found}, not {VOCABULARY_SHA256}",
            fix="put the official tokenizer.json there",
        )
    return vocabulary
