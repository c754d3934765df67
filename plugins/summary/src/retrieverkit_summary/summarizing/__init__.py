"""Summaries of texts: by a language model, or by the sentences that say most of them."""

from retrieverkit_summary.summarizing.by_model import PROMPT
from retrieverkit_summary.summarizing.summarizer import Summarizer

__all__ = ["PROMPT", "Summarizer"]
