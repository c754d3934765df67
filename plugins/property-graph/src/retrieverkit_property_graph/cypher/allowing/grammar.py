"""The grammar of what may run. Each method reads one part and returns it, written again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from retrieverkit_property_graph.cypher.allowing.functions import AGGREGATES, PREDICATES, Dialect
from retrieverkit_property_graph.cypher.allowing.limits import Limits
from retrieverkit_property_graph.cypher.allowing.once import Matched, unequal
from retrieverkit_property_graph.cypher.allowing.reading import Reading
from retrieverkit_property_graph.cypher.allowing.tokens import Kind, Token

LABELS = ("Entity", "Node")
TYPES = ("Relation", "MENTIONS")

_COMPARISONS = ("=", "<>", "<=", ">=", "<", ">", "=~")
_CLAUSES = ("MATCH", "OPTIONAL", "UNWIND", "WITH", "RETURN")
_AFTER_EXPRESSION = (
    *_CLAUSES,
    "WHERE",
    "AS",
    "ORDER",
    "SKIP",
    "LIMIT",
    "AND",
    "OR",
    "XOR",
    "THEN",
    "ELSE",
    "END",
    "WHEN",
)
_ALL = 1_000_000_000
"""More characters than a text has."""
_LABELS_ARE_DATA = "labels are data: write (e:Entity) WHERE 'Person' IN e.labels"
_TYPES_ARE_DATA = "relation names are data: write -[r:Relation]- and WHERE r.label = 'founded'"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A query that may run, written again.

    Attributes:
        text: The query. Each string of it has become a parameter, and each name is escaped.
        literals: The strings, by the names of their parameters.
        asks: The names of the caller's parameters that it uses; in ``text`` they begin with ``p_``.
        columns: The names of its columns, as they were written; None where it returns ``*``.
        shows: Whether ``text`` returns behind these, row by row, the entities and relations that each row is made of.
        grounds: Where it does not, as rows are counted or made one, another query that returns those, and behind them
            the columns that ``keys`` names; None where there are none to return.
        keys: The places of the columns by which rows are counted or made one: a row of ``grounds`` belongs to the row
            of ``text`` that has the same values there.
    """

    text: str
    literals: Mapping[str, str]
    asks: frozenset[str]
    columns: tuple[str, ...] | None
    shows: bool = False
    grounds: str | None = None
    keys: tuple[int, ...] = ()

    def bound(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters that the database is given."""
        return {**self.literals, **{f"p_{name}": parameters[name] for name in self.asks}}


def allowed(
    text: str,
    *,
    dialect: Dialect = Dialect.LADYBUG,
    limits: Limits | None = None,
    parameters: Collection[str] = (),
) -> Allowed:
    """Return a query as it may run.

    Args:
        text: One statement that only reads: MATCH, OPTIONAL MATCH, WHERE, WITH, UNWIND, RETURN, ORDER BY, SKIP, LIMIT.
        dialect: Whose functions it may call.
        limits: How much it may ask for.
        parameters: The names of the caller's parameters.

    Raises:
        CypherRefusedError: It is something else; the error says where and why.
    """
    return _Grammar(Reading(text, limits or Limits()), dialect, limits or Limits(), parameters).query()


class _Grammar:
    def __init__(self, reading: Reading, dialect: Dialect, limits: Limits, parameters: Collection[str]) -> None:
        self._read = reading
        self._dialect = dialect
        self._limits = limits
        self._parameters = parameters
        self._literals: dict[str, str] = {}
        self._asks: set[str] = set()
        self._columns: tuple[str, ...] | None = None
        self._returnable: list[str] = []
        self._gathered = False
        self._inside_subquery = self._inside_predicate = False
        self._elements: tuple[str, ...] = ()
        self._matched: list[Matched] = []
        self._spelled: dict[str, str] = {}
        self._made_up = 0
        self._renamed: dict[str, str] = {}
        self._keys: dict[int, str] = {}
        self._clauses = 0
        self._nodes = 0

    # Clauses

    def query(self) -> Allowed:
        read, written = self._read, []
        while not read.sees("RETURN"):
            written.append(self._clause())
        returned, limit = self._return()
        if self._columns is not None and len(set(self._columns)) < len(self._columns):
            read.refuse("two columns have the same name")
        read.takes(";")
        if read.peek().text:
            read.refuse("a query is one statement, and RETURN is its last clause")
        text = " ".join([*written, f"{returned[0]}{returned[1]}{limit}"])
        if self._columns is None or not self._returnable:
            return self._allowed(text)
        if self._gathered:
            keys = [f"{key} AS {self._fresh()}" for key in self._keys.values()]
            several = f"RETURN DISTINCT {', '.join([*self._returnable, *keys])} LIMIT {self._limits.grounds + 1}"
            return self._allowed(text, grounds=" ".join([*written, several]))
        shown = "".join(f", {name} AS {self._fresh()}" for name in self._returnable)
        return self._allowed(" ".join([*written, f"{returned[0]}{shown}{returned[1]}{limit}"]), shows=True)

    def _allowed(self, text: str, *, shows: bool = False, grounds: str | None = None) -> Allowed:
        return Allowed(text, self._literals, frozenset(self._asks), self._columns, shows, grounds, tuple(self._keys))

    def _clause(self) -> str:
        read = self._read
        self._counted()
        if read.sees("MATCH") or read.sees("OPTIONAL", "MATCH"):
            return self._match()
        if read.takes("UNWIND"):
            unwound = self._expression()
            read.expect("AS")
            return f"UNWIND {unwound} AS {self._variable()}"
        if read.takes("WITH"):
            return self._with()
        if not read.peek().text:
            read.refuse("a query ends with RETURN")
        return read.refuse(
            "only MATCH, OPTIONAL MATCH, WHERE, WITH, UNWIND, RETURN, ORDER BY, SKIP and LIMIT may be used"
        )

    def _with(self) -> str:
        before, self._renamed = self._returnable, {}
        kept = f"WITH {self._items()}"
        if self._columns is not None:
            self._returnable = [after for after, name in self._renamed.items() if name in before]
        return kept + f"{self._order()}{self._amount('SKIP')}{self._amount('LIMIT')}{self._where()}"

    def _counted(self) -> None:
        self._clauses += 1
        if self._clauses > self._limits.clauses:
            self._read.refuse(f"a query has at most {self._limits.clauses} clauses")

    def _match(self) -> str:
        word = "OPTIONAL MATCH" if self._read.takes("OPTIONAL") else "MATCH"
        self._read.expect("MATCH")
        patterns, once = self._matched_once(lambda: self._listed(self._pattern))
        return f"{word} {patterns}{self._where(once)}"

    def _matched_once(self, pattern: Callable[[], str]) -> tuple[str, list[str]]:
        """Read patterns; return them, and the conditions by which each relation is matched once."""
        before, self._matched = self._matched, []
        written = pattern()
        matched, self._matched = self._matched, before
        once = list(unequal(matched)) if self._dialect is Dialect.LADYBUG else []
        if None in once:
            self._read.refuse(
                "a path of variable length over MENTIONS stands with no other MENTIONS",
                fix="write its steps, or put it into a MATCH of its own",
            )
        return written, [condition for condition in once if condition]

    def _where(self, further: Sequence[str] = ()) -> str:
        asked = [self._expression()] if self._read.takes("WHERE") else []
        if asked and further:
            asked = [f"({asked[0]})"]
        return f" WHERE {' AND '.join([*asked, *further])}" if asked or further else ""

    def _return(self) -> tuple[tuple[str, str], str]:
        """Read the last clause; return its items, what comes between, and its limit."""
        self._read.expect("RETURN")
        self._counted()
        self._gathered = False
        items = f"RETURN {self._items()}"
        order = f"{self._order()}{self._amount('SKIP')}"
        most = self._limits.rows + 1
        if self._read.takes("LIMIT"):
            most = min(int(self._whole("how many rows")), most)
        return (items, order), f" LIMIT {most}"

    def _items(self) -> str:
        distinct = "DISTINCT " if self._read.takes("DISTINCT") else ""
        self._gathered |= bool(distinct)
        if self._read.takes("*"):
            self._columns = None
            return distinct + "*"
        self._columns, self._keys = (), {}
        return distinct + self._listed(self._item)

    def _item(self) -> str:
        begins = self._read.place
        gathered, self._gathered = self._gathered, False
        expression = name = self._expression()
        assert self._columns is not None
        if not self._gathered:
            self._keys[len(self._columns)] = expression
        self._gathered |= gathered
        if self._read.takes("AS"):
            begins = self._read.place
            name = self._variable()
            self._renamed[name] = expression
            expression = f"{expression} AS {name}"
        else:
            self._renamed[name] = name
        self._columns = (*self._columns, self._read.since(begins))
        return expression

    def _order(self) -> str:
        if not self._read.takes("ORDER"):
            return ""
        self._read.expect("BY")
        return f" ORDER BY {self._listed(self._sorted)}"

    def _sorted(self) -> str:
        expression = self._expression()
        if self._read.takes("DESC") or self._read.takes("DESCENDING"):
            return f"{expression} DESC"
        _ = self._read.takes("ASC") or self._read.takes("ASCENDING")
        return expression

    def _amount(self, word: str) -> str:
        return f" {word} {self._whole('how many')}" if self._read.takes(word) else ""

    # Patterns

    def _pattern(self) -> str:
        named = ""
        if self._read.peek().kind in (Kind.WORD, Kind.ESCAPED):
            if self._read.peek(1).says("("):
                self._read.refuse(
                    "functions do not stand in patterns", fix="write -[r:Relation* SHORTEST 1..3]- for a shortest path"
                )
            named = f"{self._binding()} = "
            self._read.expect("=")
        if self._read.sees("(", "("):
            self._read.refuse("quantified paths may not be used", fix="write -[r:Relation*1..3]-")
        path = self._path()
        if self._read.sees("{"):
            self._read.refuse("quantified paths may not be used", fix="write -[r:Relation*1..3]-")
        return named + path

    def _path(self) -> str:
        path = self._node()
        while self._read.sees("-") or self._read.sees("<"):
            path += self._relation() + self._node()
        return path

    def _node(self) -> str:
        read = self._read
        self._nodes += 1
        if self._nodes > self._limits.nodes:
            read.refuse(f"the patterns of a query have at most {self._limits.nodes} nodes")
        read.expect("(")
        variable = "" if read.sees(":") or read.sees("{") or read.sees(")") else self._binding()
        labels = self._of_kind(LABELS, _LABELS_ARE_DATA) if read.takes(":") else ""
        properties = self._properties()
        read.expect(")")
        return f"({variable}{labels}{properties})"

    def _relation(self) -> str:
        read = self._read
        left = "<-" if read.takes("<") else "-"
        read.expect("-")
        if read.takes("["):
            inner = self._inside()
            read.expect("]")
        else:
            inner = self._unnamed()
            self._matched.append(Matched(inner, frozenset(TYPES), several=False))
        read.expect("-")
        right = "->" if read.takes(">") else "-"
        if left == "<-" and right == "->":
            read.refuse("a relation has one direction, or none")
        return f"{left}[{inner}]{right}" if inner else f"{left}{right}"

    def _inside(self) -> str:
        read = self._read
        is_named = not any(read.sees(word) for word in (":", "*", "{", "]"))
        variable = self._binding() if is_named else self._unnamed()
        types = self._of_kind(TYPES, _TYPES_ARE_DATA) if read.takes(":") else ""
        steps = self._steps() if read.takes("*") else ""
        kinds = frozenset(types[1:].split("|")) if types else frozenset(TYPES)
        self._matched.append(Matched(variable, kinds, bool(steps)))
        return f"{variable}{types}{steps}{self._properties()}"

    def _binding(self) -> str:
        """Read the name of a node, a relation or a path; in a clause it can be returned later."""
        name = self._variable()
        if not self._inside_subquery and name not in self._returnable:
            self._returnable.append(name)
        return name

    def _unnamed(self) -> str:
        """Return a name for a relation that has none, so that it can be returned and told from others."""
        if self._inside_subquery and self._dialect is Dialect.NEO4J:  # where such a pattern names nothing new
            return ""
        name = self._fresh()
        if not self._inside_subquery:
            self._returnable.append(name)
        return name

    def _fresh(self) -> str:
        while True:
            self._made_up += 1
            name = f"rk{self._made_up}"
            if not self._read.has(name):
                return _escaped(name)

    def _of_kind(self, kinds: tuple[str, ...], fix: str) -> str:
        read, written = self._read, []
        while True:
            at = read.peek()
            kind = read.name("a name after ':'")
            if kind not in kinds:
                read.refuse(f"there is only {' and '.join(kinds)}", at=at, fix=fix)
            written.append(kind)
            if not read.takes("|"):
                return ":" + "|".join(written)
            read.takes(":")

    def _steps(self) -> str:
        """Read what follows the ``*`` of a path of variable length: it has an end."""
        read, how = self._read, ""
        if self._dialect is Dialect.LADYBUG:
            how = " TRAIL "  # as in Cypher: no relation twice on one path
            for words in (("ALL", "SHORTEST"), ("SHORTEST",), ("TRAIL",), ("ACYCLIC",)):
                if read.takes(*words):
                    how = f" {' '.join(words)} "
                    break
        at, most = read.peek(), self._limits.hops
        first = int(self._whole("how many steps")) if at.kind is Kind.NUMBER else None
        last = first
        if read.takes(".."):
            last = int(self._whole("how many steps")) if read.peek().kind is Kind.NUMBER else None
        if last is None or last > most:
            read.refuse(f"a path of variable length says that it has at most {most} steps", at=at, fix="write *1..3")
        least = 1 if first is None else first
        if least > last:
            read.refuse("a path of variable length has its fewest steps first", at=at)
        kept = f" ({self._kept_steps()})" if read.sees("(") and self._dialect is Dialect.LADYBUG else ""
        return f"*{how}{least}..{last}{kept}"

    def _kept_steps(self) -> str:
        read = self._read
        read.expect("(")
        relation = self._variable()
        read.expect(",")
        node = self._variable()
        read.expect("|")
        read.expect("WHERE")
        with read.deeper(), self._apart():
            condition = self._expression()
        read.expect(")")
        return f"{relation}, {node} | WHERE {condition}"

    def _properties(self) -> str:
        return f" {self._map()}" if self._read.sees("{") else ""

    # Expressions, what binds least first

    def _expression(self) -> str:
        with self._read.deeper():
            return self._joined(self._exclusive, "OR")

    def _exclusive(self) -> str:
        return self._joined(self._conjunction, "XOR")

    def _conjunction(self) -> str:
        return self._joined(self._negation, "AND")

    def _joined(self, part: Callable[[], str], word: str) -> str:
        written = part()
        while self._read.takes(word):
            written += f" {word} {part()}"
        return written

    def _negation(self) -> str:
        negations = 0
        while self._read.takes("NOT"):
            negations += 1
        return ("NOT " if negations % 2 else "") + self._comparison()

    def _comparison(self) -> str:
        read, written = self._read, self._sum()
        while True:
            if read.peek().says(*_COMPARISONS):
                written += f" {read.next().text} {self._sum()}"
            elif read.takes("IN"):
                written += f" IN {self._sum()}"
            elif read.takes("STARTS", "WITH"):
                written += f" STARTS WITH {self._sum()}"
            elif read.takes("ENDS", "WITH"):
                written += f" ENDS WITH {self._sum()}"
            elif read.takes("CONTAINS"):
                written += f" CONTAINS {self._sum()}"
            elif read.takes("IS", "NULL"):
                written += " IS NULL"
            elif read.takes("IS", "NOT", "NULL"):
                written += " IS NOT NULL"
            else:
                return written

    def _sum(self) -> str:
        return self._chained(self._product, "+", "-")

    def _product(self) -> str:
        return self._chained(self._power, "*", "/", "%")

    def _power(self) -> str:
        return self._chained(self._signed, "^")

    def _chained(self, part: Callable[[], str], *symbols: str) -> str:
        written = part()
        while self._read.peek().says(*symbols):
            written += f" {self._read.next().text} {part()}"
        return written

    def _signed(self) -> str:
        negative = False
        while self._read.sees("-") or self._read.sees("+"):
            negative ^= self._read.next().text == "-"
        return f"-{self._reached()}" if negative else self._reached()

    def _reached(self) -> str:
        """Read an atom and what is reached from it: a property, an element, a slice."""
        read, written = self._read, self._atom()
        while True:
            if read.takes("."):
                written += f".{_escaped(read.name('the name of a property'))}"
            elif read.takes("["):
                written += f"[{self._place()}]"
                read.expect("]")
            else:
                return written

    def _place(self) -> str:
        read = self._read
        if self._dialect is Dialect.LADYBUG and read.peek().kind is not Kind.STRING:
            return self._place_from_one()
        first = "" if read.sees("..") else self._expression()
        if not read.takes(".."):
            return first
        last = "" if read.sees("]") else self._expression()
        return f"{first}..{last}"

    def _place_from_one(self) -> str:
        """Read a place that counts from 0, without the end of a slice; return it as ladybug has it: from 1, with it."""
        read, what = self._read, "a place in a list"
        first = "" if read.sees("..") else str((at := self._bound(what)) + (at >= 0))
        if not read.takes(".."):
            return first
        last = "" if read.sees("]") else str((at := self._bound(what)) - (at < 0))
        return f"{first}..{last}"

    def _atom(self) -> str:
        read = self._read
        token = read.peek()
        if token.kind is Kind.STRING:
            return self._literal()
        if token.kind is Kind.NUMBER:
            return read.next().text
        if token.kind is Kind.PARAMETER:
            return self._parameter()
        if token.says("TRUE", "FALSE", "NULL"):
            return read.next().text.upper()
        if token.says("["):
            return self._list()
        if token.says("{"):
            return self._map()
        if token.says("("):
            return self._predicate() if self._begins_path() else self._bracketed()
        if token.says("CASE"):
            return self._case()
        if token.says("EXISTS", "COUNT") and read.peek(1).says("{"):
            return self._subquery()
        if token.kind in (Kind.WORD, Kind.ESCAPED):
            return self._call() if read.peek(1).says("(") else self._known()
        return read.refuse("a value is missing")

    def _literal(self) -> str:
        token = self._read.peek()
        try:
            value = token.value
            value.encode()
        except ValueError:  # also half of a pair of surrogates
            self._read.refuse("a string has an escape that is not one", at=token)
        if "\0" in value:
            self._read.refuse("a string has a character with the code 0", at=token)
        self._read.next()
        if self._inside_predicate:  # ladybug takes no parameters there
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{escaped}'"
        name = f"s_{len(self._literals)}"
        self._literals[name] = value
        return f"${name}"

    def _known(self) -> str:
        at = self._read.peek()
        name = self._variable()
        if self._inside_predicate and name not in self._elements:  # of a path, ladybug compares them wrongly
            self._read.refuse(
                "a condition on the elements of a list names the element, and no other variable",
                at=at,
                fix="write value IN list, or UNWIND the list",
            )
        return name

    def _parameter(self) -> str:
        token = self._read.next()
        name = token.text[1:]
        if name not in self._parameters:
            told = ", ".join(f"${name}" for name in sorted(self._parameters)) or "none"
            self._read.refuse("there is no such parameter", at=token, fix=f"there is {told}; write values as they are")
        if self._inside_predicate:
            self._read.refuse("a parameter cannot stand in a condition on the elements of a list", at=token)
        self._asks.add(name)
        return f"$p_{name}"

    def _list(self) -> str:
        read = self._read
        at = read.peek()
        read.expect("[")
        elements = [] if read.sees("]") else [self._expression()]
        while read.takes(","):
            elements.append(self._expression())
        read.expect("]")
        if len(elements) > self._limits.listed:
            read.refuse(f"a list has at most {self._limits.listed} elements", at=at)
        return f"[{', '.join(elements)}]"

    def _map(self) -> str:
        read = self._read
        read.expect("{")
        entries = "" if read.sees("}") else self._listed(self._entry)
        read.expect("}")
        return f"{{{entries}}}"

    def _entry(self) -> str:
        name = self._read.name("the name of a property")
        self._read.expect(":")
        return f"{_escaped(name)}: {self._expression()}"

    def _bracketed(self) -> str:
        self._read.expect("(")
        inner = self._expression()
        self._read.expect(")")
        return f"({inner})"

    def _begins_path(self) -> bool:
        """Return whether the bracket that opens here is a node of a path, and not one around an expression."""
        depth = ahead = 0
        while True:
            token = self._read.peek(ahead)
            if not token.text:
                return False
            depth += token.says("(", "[", "{") - token.says(")", "]", "}")
            ahead += 1
            if depth == 0:
                break
        arrow = [self._read.peek(ahead + step) for step in range(3)]
        if arrow[0].says("<"):
            arrow = arrow[1:]
        return arrow[0].says("-") and arrow[1].says("[", "-")

    def _predicate(self) -> str:
        with self._apart():
            path, once = self._matched_once(self._path)
        return f"EXISTS {{ MATCH {path} WHERE {' AND '.join(once)} }}" if once else path

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Read a pattern of which nothing can be returned."""
        before, self._inside_subquery = self._inside_subquery, True
        yield
        self._inside_subquery = before

    def _case(self) -> str:
        read = self._read
        read.expect("CASE")
        written = "CASE" if read.sees("WHEN") else f"CASE {self._expression()}"
        if not read.sees("WHEN"):
            read.refuse("WHEN is missing")
        while read.takes("WHEN"):
            condition = self._expression()
            read.expect("THEN")
            written += f" WHEN {condition} THEN {self._expression()}"
        if read.takes("ELSE"):
            written += f" ELSE {self._expression()}"
        read.expect("END")
        return f"{written} END"

    def _subquery(self) -> str:
        word = self._read.next().text.upper()
        self._read.expect("{")
        with self._read.deeper(), self._apart():
            self._counted()
            if not self._read.sees("MATCH"):
                self._read.refuse("a subquery is one MATCH")
            matched = self._match()
        self._read.expect("}")
        return f"{word} {{ {matched} }}"

    def _call(self) -> str:
        read = self._read
        token = read.peek()
        name = token.text.lower()
        if token.kind is Kind.WORD and name in PREDICATES:
            return self._said_of_elements()
        if token.kind is not Kind.WORD or name not in self._dialect.value:
            read.refuse("this function may not be called", at=token)
        read.next()
        read.expect("(")
        if name in AGGREGATES:
            self._gathered = True
        if name == "substring" and self._dialect is Dialect.LADYBUG:
            return self._substring()
        if name == "range":
            return self._range(token)
        if name == "count" and read.takes("*"):
            read.expect(")")
            return "count(*)"
        distinct = "DISTINCT " if read.takes("DISTINCT") else ""
        given = "" if read.sees(")") else self._listed(self._expression)
        read.expect(")")
        return f"{token.text}({distinct}{given})"

    def _said_of_elements(self) -> str:
        read = self._read
        word = read.next().text.lower()
        read.expect("(")
        variable = self._variable()
        read.expect("IN")
        elements = self._expression()
        read.expect("WHERE")
        before = self._inside_predicate, self._elements
        self._inside_predicate, self._elements = self._dialect is Dialect.LADYBUG, (*self._elements, variable)
        condition = self._expression()
        self._inside_predicate, self._elements = before
        read.expect(")")
        return f"{word}({variable} IN {elements} WHERE {condition})"

    def _range(self, token: Token) -> str:
        bounds = [self._bound()]
        while self._read.takes(","):
            bounds.append(self._bound())
        self._read.expect(")")
        if not 2 <= len(bounds) <= 3 or bounds[2:] == [0]:
            self._read.refuse("range is given two or three numbers, the third not 0", at=token)
        if len(range(*bounds)) > self._limits.listed:
            self._read.refuse(f"a range has at most {self._limits.listed} elements", at=token)
        return f"range({', '.join(map(str, bounds))})"

    def _bound(self, what: str = "a bound of range") -> int:
        sign = -1 if self._read.takes("-") else 1
        return sign * int(self._whole(what))

    def _substring(self) -> str:
        """Read what follows ``substring(``: a place that counts from 0, where ladybug counts from 1."""
        text = self._expression()
        self._read.expect(",")
        first = self._expression()
        length = self._expression() if self._read.takes(",") else str(_ALL)
        self._read.expect(")")
        return f"substring({text}, ({first}) + 1, {length})"

    # Small parts

    def _listed(self, part: Callable[[], str]) -> str:
        written = [part()]
        while self._read.takes(","):
            written.append(part())
        return ", ".join(written)

    def _whole(self, what: str) -> str:
        token = self._read.peek()
        if token.kind is not Kind.NUMBER or not token.text.isdecimal() or len(token.text) > 9:
            self._read.refuse(f"{what} is a whole number, written as digits")
        return str(int(self._read.next().text))

    def _variable(self) -> str:
        token = self._read.peek()
        if token.kind is Kind.WORD and token.says(*_AFTER_EXPRESSION):
            self._read.refuse(f"a name or a value is missing before {token.text.upper()}")
        name = self._read.name("a name")
        known = self._spelled.setdefault(name.lower(), name)
        if known != name and self._dialect is Dialect.LADYBUG:
            self._read.refuse(f"{known} and {name} differ by case alone, which makes them one here", at=token)
        return _escaped(name)


def _escaped(name: str) -> str:
    return f"`{name}`"
