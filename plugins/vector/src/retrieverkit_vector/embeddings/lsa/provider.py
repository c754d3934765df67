"""The ``lsa`` embedding by name."""

from __future__ import annotations

from pydantic import BaseModel, Field

from retrieverkit_core.services import CorpusEmbedder, EmbeddingOptions


class LsaOptions(EmbeddingOptions):
    """Options of ``lsa``."""

    dimensions: int = Field(default=256, ge=1, le=4096, description="Length of a vector; less where texts are few.")
    language: str | None = Field(
        default=None, description="Language for stemming and stop words (ISO 639-1 code). None: that of the index."
    )


class LsaProvider:
    """Provides `LsaEmbedding`."""

    name = "lsa"
    summary = "Latent semantic analysis of the corpus's own text: offline, any language, no download."
    options: type[BaseModel] = LsaOptions

    def problem(self, options: BaseModel) -> str:
        """Return "": what it needs is installed with it."""
        return ""

    def make(self, options: BaseModel) -> CorpusEmbedder:
        """Return the embedding.

        Raises:
            ConfigError: The language is not supported.
        """
        from retrieverkit_vector.embeddings.lsa.embedding import LsaEmbedding

        assert isinstance(options, LsaOptions)
        return LsaEmbedding(options.dimensions, options.language)


provider = LsaProvider()
