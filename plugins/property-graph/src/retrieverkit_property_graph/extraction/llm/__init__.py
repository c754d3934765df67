"""Entities and relations that a language model names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.services import Services
from retrieverkit_property_graph.extraction.llm.cache import AnswerCache
from retrieverkit_property_graph.extraction.llm.extractor import ByModel
from retrieverkit_property_graph.extraction.prompt import EXTRACT
from retrieverkit_property_graph.options import GraphOptions

__all__ = ["ByModel", "llm_extractor"]


def llm_extractor(
    options: GraphOptions,
    corpus: Corpus,
    storage: Path,
    services: Services | None,
    prompts: Mapping[str, str],
) -> ByModel:
    """Return what asks the language model that a mode's options name.

    Args:
        options: Those of the mode.
        corpus: What is read.
        storage: The folder under which the corpus's indexes live; what the model said is kept there.
        services: Models.
        prompts: The mode's prompts; ``extract`` is what the model is told.

    Raises:
        MissingServiceError: There is no model.
    """
    if services is None:
        raise MissingServiceError(
            'extract="llm" needs a language model, and there are no services to take it from',
            fix="pass services, or use extract='rules'",
        )
    cache = AnswerCache(Path(storage), corpus.writable)
    model = services.llm(options.llm)
    return ByModel(model, cache, corpus.settings, schema=options.extract_schema, prompt=prompts.get("extract", EXTRACT))
