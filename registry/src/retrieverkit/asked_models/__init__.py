"""Models as modes have them: every call passes here, where cassettes and traces see it."""

from retrieverkit.asked_models.asked import Asked
from retrieverkit.asked_models.making import asked_object, asked_spec

__all__ = ["Asked", "asked_object", "asked_spec"]
