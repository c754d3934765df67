"""Modes that keep the contract, of kinds that a check may take for wrong."""

import re
import struct

from kit_modes import CorpusWords


class KeepsStopWords(CorpusWords):
    """Knows no stop words."""

    def words(self, text):
        return re.findall(r"\w+", text.casefold())


class ByTitle(CorpusWords):
    """Looks at the title in the metadata alone."""

    def words(self, text):
        return super().words(text)

    def matching(self, query, text=None):
        asked = set(self.words(query.query_str))
        return [
            (1.0, place, node)
            for place, node in enumerate(self.nodes())
            if asked & set(self.words(str(node.metadata.get("title", "")))) and self.passes(node, query)
        ]


class KeepsNumbers(CorpusWords):
    """Writes a file of numbers that begins like a pickle: the dimension 640 in four bytes."""

    def nodes(self):
        self.storage.mkdir(parents=True, exist_ok=True)
        (self.storage / "rows.fvecs").write_bytes(struct.pack("<i640f", 640, *range(640)))
        return super().nodes()
