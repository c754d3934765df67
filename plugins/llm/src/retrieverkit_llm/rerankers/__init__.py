"""Reranking models behind endpoints."""
