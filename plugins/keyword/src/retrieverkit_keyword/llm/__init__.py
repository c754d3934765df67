"""The mode keyword_llm: a language model names the keywords."""
