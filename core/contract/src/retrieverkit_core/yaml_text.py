"""Reads YAML with PyYAML's safe loader, where aliases cannot multiply and a repeated key is an error.

A plain word is a number or a truth value only where YAML 1.1 and 1.2 agree on that. ``no``, ``on``, ``1:30``, ``010``
and ``1e3`` are texts: each means something else in one of the two.
"""

from __future__ import annotations

import re
from typing import Any

from retrieverkit_core.errors import ConfigError, shorten

try:
    import yaml
except ImportError as missing:
    raise ConfigError(
        "reading YAML needs PyYAML, which is not installed",
        fix="pip install 'retrieverkit-core[yaml]', or write JSON or TOML",
    ) from missing

MAX_NODES = 100_000
MAX_NESTING = 100


def read_yaml(text: str) -> Any:
    """Return the plain objects in ``text``.

    Raises:
        ConfigError: It is not YAML, or is too large once its aliases are written out.
    """
    try:
        return _CappedLoader(text).get_single_data()
    except yaml.YAMLError as error:
        raise ConfigError(f"not yaml: {shorten(error, 200)}") from error


class _CappedLoader(yaml.SafeLoader):
    """Counts every node, an alias as all the nodes that it stands for."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.nodes = 0
        self.nesting = 0
        self.weights: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        is_alias = self.check_event(yaml.AliasEvent)
        before = self.nodes
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise ConfigError(f"the yaml text is nested more than {MAX_NESTING} deep")
        node = super().compose_node(parent, index)
        self.nesting -= 1
        if is_alias and id(node) not in self.weights:
            raise ConfigError("a yaml alias stands inside what it repeats")
        self.nodes += self.weights[id(node)] if is_alias else 1
        if self.nodes > MAX_NODES:
            raise ConfigError(f"the yaml text has more than {MAX_NODES:,} nodes once its aliases are written out")
        self.weights.setdefault(id(node), self.nodes - before)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        written = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for name in written:
            if name != "<<" and written.count(name) > 1:
                raise ConfigError(f"the key {shorten(name)!r} is given twice", fix="keep one")
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found


_CappedLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("merge", "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"([-+]?(0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
):
    _letters = [*_first, *([""] if _tag == "null" else [])]
    _CappedLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _letters)
