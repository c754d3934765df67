"""Text to terms, the same for what is indexed and what is asked."""

from retrieverkit_indexing.analysis._analyzer import MAX_WORD_CHARS, Analyzer, is_character
from retrieverkit_indexing.analysis._detection import Detected, detect_language
from retrieverkit_indexing.analysis._indexed import TITLE, Part, indexed_parts
from retrieverkit_indexing.analysis._languages import supported_languages
from retrieverkit_indexing.analysis._scripts import words_pattern

__all__ = [
    "MAX_WORD_CHARS",
    "TITLE",
    "Analyzer",
    "Detected",
    "Part",
    "detect_language",
    "indexed_parts",
    "is_character",
    "supported_languages",
    "words_pattern",
]
