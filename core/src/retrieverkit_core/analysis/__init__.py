"""Text to terms, the same for what is indexed and what is asked."""

from retrieverkit_core.analysis.analyzer import MAX_WORD_CHARS, Analyzer
from retrieverkit_core.analysis.indexed import indexed_text
from retrieverkit_core.analysis.languages import supported_languages

__all__ = ["MAX_WORD_CHARS", "Analyzer", "indexed_text", "supported_languages"]
