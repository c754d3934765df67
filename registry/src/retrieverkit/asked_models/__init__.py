"""Models as modes have them: every call passes here, where cassettes and traces see it."""

from retrieverkit.asked_models.making import asked_object, asked_spec

__all__ = ["asked_object", "asked_spec"]
