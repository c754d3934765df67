"""The retriever mode `fuzzy_title` for RetrieverKit."""

from retrieverkit_example_plugin.retriever import FuzzyTitleRetriever

__all__ = ["FuzzyTitleRetriever"]
