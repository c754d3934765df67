"""Which of some texts name an entity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from retrieverkit_indexing.analysis import is_character
from retrieverkit_property_graph.names import key_of


class Naming:
    """Finds names in texts, by their keys: whole words, but for scripts that are written without spaces.

    Args:
        texts: The texts.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._keyed = [f" {key_of(text)} " for text in texts]
        self._by_word: defaultdict[str, set[int]] = defaultdict(set)
        for at, keyed in enumerate(self._keyed):
            for word in set(keyed.split()):
                self._by_word[word].add(at)
        self._known: dict[str, frozenset[int]] = {}

    def nodes_naming(self, key: str) -> frozenset[int]:
        """Return which texts hold the name with this key, as their places."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = frozenset(self._look(key))
        return found

    def _look(self, key: str) -> set[int]:
        if any(map(is_character, key)):
            return {at for at, keyed in enumerate(self._keyed) if key in keyed}
        words = key.split()
        holding = sorted((self._by_word.get(word, set()) for word in set(words)), key=len)
        candidates = set.intersection(*holding) if holding else set()
        if len(words) == 1:
            return candidates
        return {at for at in candidates if f" {key} " in self._keyed[at]}
