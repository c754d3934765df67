"""Which Cypher may run: a tokeniser, a grammar of what only reads, and limits.

What is allowed is what the grammar can read; there is no list of what is forbidden. A query that is allowed is written
again from what was read: escaped names, strings as parameters, without comments. The database never sees the text.
"""

from retrieverkit_property_graph.cypher.allowing.functions import Dialect
from retrieverkit_property_graph.cypher.allowing.grammar import Allowed, allowed
from retrieverkit_property_graph.cypher.allowing.limits import Limits
from retrieverkit_property_graph.cypher.allowing.tokens import Kind, Token, tokens

__all__ = ["Allowed", "Dialect", "Kind", "Limits", "Token", "allowed", "tokens"]
