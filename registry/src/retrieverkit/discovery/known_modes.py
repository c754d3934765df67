"""Which distribution provides each first-party mode, so that a missing one can be named with its pip command."""

from __future__ import annotations

KNOWN_MODES: dict[str, str] = {
    "auto": "retrieverkit-auto",
    "auto_merging": "retrieverkit-compose",
    "bm25": "retrieverkit-bm25",
    "diversify": "retrieverkit-compose",
    "document_summary_embedding": "retrieverkit-summary",
    "document_summary_llm": "retrieverkit-summary",
    "ensemble": "retrieverkit-compose",
    "exclude": "retrieverkit-compose",
    "fusion": "retrieverkit-fusion",
    "graph_cypher": "retrieverkit-property-graph",
    "graph_cypher_template": "retrieverkit-property-graph",
    "graph_ppr": "retrieverkit-property-graph",
    "graph_synonym": "retrieverkit-property-graph",
    "graph_vector": "retrieverkit-property-graph",
    "grep": "retrieverkit-keyword",
    "hybrid": "retrieverkit-fusion",
    "keyword": "retrieverkit-keyword",
    "keyword_llm": "retrieverkit-keyword",
    "keyword_rake": "retrieverkit-keyword",
    "pinned": "retrieverkit-compose",
    "property_graph": "retrieverkit-property-graph",
    "recursive": "retrieverkit-compose",
    "rerank": "retrieverkit-compose",
    "router": "retrieverkit-compose",
    "sentence_window": "retrieverkit-compose",
    "shadow": "retrieverkit-compose",
    "summary": "retrieverkit-summary",
    "summary_embedding": "retrieverkit-summary",
    "summary_llm": "retrieverkit-summary",
    "transform": "retrieverkit-compose",
    "tree_all_leaf": "retrieverkit-summary",
    "tree_root": "retrieverkit-summary",
    "tree_select_leaf": "retrieverkit-summary",
    "tree_select_leaf_embedding": "retrieverkit-summary",
    "vector": "retrieverkit-vector",
}

OPTION_ALIASES: dict[str, str] = dict.fromkeys(
    ("similarity_top_k", "k", "limit", "n", "num_chunks_per_query", "num_results", "max_results", "topk"), "top_k"
) | {"max_keywords_per_chunk": "max_keywords", "max_keywords_per_query": "max_query_keywords"}
OPTION_ALIASES |= {
    "content_info": "content",
    "empty_query_top_k": "top_k",
    "graph_traversal_depth": "depth",
    "max_knowledge_sequence": "limit",
    "path_depth": "depth",
    "prompt_template_str": "instructions",
    "similarity_score": "min_similarity",
    "vector_store_info": "metadata",
}
"""What other libraries call an option, to name ours in the error."""

MODE_ALIASES: dict[str, str] = {
    "all_leaf": "tree_all_leaf",
    "auto_retriever": "auto",
    "cypher": "graph_cypher",
    "cypher_template": "graph_cypher_template",
    "default": "hybrid",
    "dense": "vector",
    "document_summary": "document_summary_embedding",
    "embedding": "vector",
    "knowledge_graph": "property_graph",
    "list": "summary",
    "llm": "summary_llm",
    "llm_synonym": "graph_synonym",
    "ppr": "graph_ppr",
    "rake": "keyword_rake",
    "root": "tree_root",
    "select_leaf": "tree_select_leaf",
    "select_leaf_embedding": "tree_select_leaf_embedding",
    "self_query": "auto",
    "semantic": "vector",
    "simple": "keyword",
    "sparse": "bm25",
    "synonym": "graph_synonym",
    "text_to_cypher": "graph_cypher",
    "vector_context": "graph_vector",
}
"""What other libraries call a mode, to name ours in the error."""
