"""The test module that ``pytest --retriever-mode NAME`` collects."""

from __future__ import annotations

from retrieverkit_testkit.suite import NAMED, RetrieverConformance


class TestMode(RetrieverConformance):
    """The mode that the command line names."""

    retriever_mode = NAMED
