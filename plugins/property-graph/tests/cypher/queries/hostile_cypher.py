"""Cypher that must not run, and Cypher that takes too long.

``{secret}`` stands for a file that is there, ``{out}`` for a folder to write in.
"""

import itertools

_READS_FILES = [
    "LOAD FROM '{secret}' RETURN *",
    "LOAD FROM '{secret}' (header=false, delim=':') RETURN *",
    "LOAD FROM '{secret}' (file_format='csv', delim=':') RETURN *",
    "LOAD WITH HEADERS (a STRING) FROM '{secret}' RETURN a",
    "LOAD FROM ['{secret}'] RETURN *",
    "LOAD CSV FROM 'file://{secret}' AS line RETURN line",
    "LOAD CSV WITH HEADERS FROM 'file://{secret}' AS line FIELDTERMINATOR ':' RETURN line",
    "LOAD FROM 'http://127.0.0.1:9/x.csv' RETURN *",
    "COPY Entity FROM '{secret}'",
    "COPY Entity FROM (LOAD FROM '{secret}' RETURN *)",
    "CALL read_csv_serial('{secret}') RETURN *",
    "CALL read_csv_parallel('{secret}') RETURN *",
    "CALL read_parquet('{secret}') RETURN *",
    "CALL read_npy('{secret}') RETURN *",
    "CALL apoc.load.json('file://{secret}') YIELD value RETURN value",
    "CALL apoc.load.csv('file://{secret}') YIELD map RETURN map",
    "CALL apoc.import.file('{secret}')",
    "MATCH (e:Entity) CALL apoc.load.text('{secret}') YIELD value RETURN value",
    "MATCH (e:Entity) RETURN apoc.load.json('http://127.0.0.1:9/')",
    "IMPORT DATABASE '{out}'",
    "ATTACH '{secret}' AS other (dbtype sqlite)",
    "ATTACH '{out}/other' AS other",
]
_WRITES_FILES = [
    "COPY (MATCH (e:Entity) RETURN e.id) TO '{out}/stolen.csv'",
    "COPY (MATCH (e:Entity) RETURN e.*) TO '{out}/stolen.parquet'",
    "COPY Entity TO '{out}/stolen.csv' (header=true)",
    "EXPORT DATABASE '{out}/all'",
    "EXPORT DATABASE '{out}/all' (format='parquet')",
    "CALL apoc.export.csv.all('{out}/stolen.csv', {{}})",
]
_CHANGES = [
    "CREATE (:Entity {{id: 424242, name: 'evil'}})",
    "MATCH (e:Entity) DELETE e",
    "MATCH (e:Entity) DETACH DELETE e",
    "MATCH (e:Entity) SET e.name = 'evil'",
    "MATCH (e:Entity) SET e.name = 'evil' RETURN e",
    "MATCH (e:Entity) REMOVE e.name",
    "MERGE (:Entity {{id: 424242}})",
    "MATCH (a:Entity), (b:Entity) CREATE (a)-[:Relation {{id: 1, label: 'x'}}]->(b)",
    "MATCH (e:Entity) FOREACH (x IN [1] | SET e.name = 'evil')",
    "FOREACH (x IN range(1, 9) | CREATE (:Entity {{id: x}}))",
    "DROP TABLE Entity",
    "ALTER TABLE Entity DROP name",
    "ALTER TABLE Entity RENAME TO Gone",
    "CREATE NODE TABLE Evil(id INT64 PRIMARY KEY)",
    "CREATE REL TABLE Evil(FROM Entity TO Entity)",
    "CREATE MACRO evil(x) AS x + 1",
    "CREATE SEQUENCE evil",
    "CREATE TYPE evil AS INT64",
    "CREATE INDEX ON :Entity(name)",
    "TRUNCATE TABLE Entity",
    "COMMENT ON TABLE Entity IS 'evil'",
    "CREATE USER evil SET PASSWORD 'x'",
    "CREATE DATABASE evil",
    "GRANT ROLE admin TO evil",
]
_STEERS = [
    "INSTALL httpfs",
    "INSTALL json FROM 'http://127.0.0.1:9/'",
    "LOAD EXTENSION json",
    "LOAD EXTENSION '{out}/evil.so'",
    "UNINSTALL json",
    "UPDATE json",
    "CALL threads=64",
    "CALL timeout=0",
    "CALL var_length_extend_max_depth=1000",
    "CALL home_directory='{out}'",
    "CALL file_search_path='{out}'",
    "CALL enable_multi_copy=true",
    "CALL spill_to_disk=true",
    "CALL project_graph('g', ['Entity'], ['Relation'])",
    "CALL PROJECT_GRAPH_CYPHER('g', 'MATCH (n) RETURN n')",
    "CALL show_tables() RETURN *",
    "CALL show_connection('Relation') RETURN *",
    "CALL storage_info('Entity') RETURN *",
    "CALL file_info() RETURN *",
    "CALL disk_info() RETURN *",
    "CALL db_version() RETURN *",
    "CALL current_setting('home_directory') RETURN *",
    "RETURN current_setting('home_directory')",
    "RETURN current_setting('file_search_path') AS x",
    "CALL dbms.listConfig() YIELD name RETURN name",
    "CALL dbms.security.listUsers()",
    "CALL db.labels()",
    "CALL apoc.cypher.run('MATCH (n) DETACH DELETE n', {{}})",
    "CALL apoc.periodic.iterate('MATCH (n) RETURN n', 'DELETE n', {{}})",
    "CALL apoc.util.sleep(100000)",
    "CALL apoc.systemdb.execute('CREATE USER x', {{}})",
    "CALL {{ MATCH (e:Entity) DETACH DELETE e }}",
    "CALL {{ LOAD FROM '{secret}' RETURN * }} RETURN 1",
    "MATCH (e:Entity) CALL {{ WITH e DELETE e }} IN TRANSACTIONS RETURN 1",
    "USE system MATCH (n) RETURN n",
    "SHOW DATABASES",
    "SHOW USERS",
    "SHOW FUNCTIONS",
    "TERMINATE TRANSACTIONS 'x'",
    "BEGIN TRANSACTION",
    "BEGIN TRANSACTION READ ONLY",
    "COMMIT",
    "ROLLBACK",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "DETACH other",
    "USE other",
    ":param x => 1",
    ":source {secret}",
    "RETURN error('x')",
    "RETURN nextval('x')",
    "RETURN gen_random_uuid()",
    "RETURN setseed(0.1)",
    "RETURN lpad('a', 2000000000, 'b')",
    "RETURN rpad('a', 2000000000, 'b')",
    "RETURN repeat('a', 2000000000)",
    "RETURN size(repeat('a', 2000000000))",
    "MATCH (e:Entity) WHERE repeat(e.name, 1000000000) = 'x' RETURN e",
    "RETURN range(1, 100000000)",
    "RETURN range(1, 1000000000000)",
    "RETURN range(100000000, 1, -1)",
    "UNWIND range(1, 100000000) AS x RETURN count(x)",
    "UNWIND range(1, 100000000) AS x UNWIND range(1, 100000000) AS y RETURN count(*)",
    "WITH 100000000 AS n UNWIND range(1, n) AS x RETURN sum(x)",
    "RETURN list_reduce(range(1, 10000), (x, y) -> x + y)",
    "RETURN reduce(s = 'a', x IN range(1, 60) | s + s)",
    "RETURN list_transform(range(1, 100000000), x -> x + 1)",
    "RETURN [x IN range(1, 100000000) | x]",
    "RETURN factorial(1000000)",
    "RETURN list_concat(range(1, 100000), range(1, 100000))",
    "MATCH (a)-[*]->(b) RETURN a",
    "MATCH (a)-[*1..]->(b) RETURN a",
    "MATCH (a)-[*..30]-(b) RETURN count(*)",
    "MATCH (a:Entity)-[:Relation*1..30]-(b:Entity) RETURN count(*)",
    "MATCH p = (a)-[:Relation*15..30]-(b) RETURN p",
    "MATCH ((a)-[:Relation]->(b)){{1,30}} RETURN a",
    "MATCH (a)-[:Relation]->+(b) RETURN a",
    "MATCH p = allShortestPaths((a)-[*]-(b)) RETURN p",
    "MATCH (a) RETURN a UNION MATCH (b) RETURN b",
    "MATCH (a) RETURN a UNION ALL LOAD FROM '{secret}' RETURN *",
    "MATCH (e:Person) RETURN e",
    "MATCH (a)-[:KNOWS]->(b) RETURN a",
    "MATCH (e:`Entity) DETACH DELETE (x`) RETURN e",
    "MATCH (e:Entity) RETURN $secret",
    "MATCH (e:Entity) RETURN e.name AS `x'; DROP TABLE Entity; //`",
    "MATCH (e:Entity) RETURN 'not ended",
    "MATCH (e:Entity) RETURN e /* not ended",
    "MATCH (e:Entity) RETURN e.name, e.name",
    "RETURN",
    "",
    ";",
    "MATCH (e:Entity)",
    "RETURN " + "(" * 200 + "1" + ")" * 200,
    "RETURN [" + ", ".join(["1"] * 1500) + "]",
    "RETURN " + "'" + "a" * 9000 + "'",
    "MATCH " + ", ".join(f"(e{n}:Entity)" for n in range(40)) + " RETURN count(*)",
    " ".join(f"UNWIND [1, 2] AS x{n}" for n in range(40)) + " RETURN count(*)",
]
_PAYLOADS = [*_READS_FILES, *_WRITES_FILES, *_CHANGES, *_STEERS]
_DISGUISED = [*_READS_FILES[:6], _READS_FILES[19], *_WRITES_FILES[:4], *_CHANGES[:6], *_STEERS[:9]]


def _wide(text):
    """Return a text whose first word has full-width letters."""
    word, _, rest = text.partition(" ")
    return "".join(chr(ord(letter) + 0xFEE0) for letter in word) + " " + rest


_DISGUISES = [
    lambda payload: f"MATCH (e:Entity) RETURN e; {payload}",
    lambda payload: f"MATCH (e:Entity) RETURN e;\n\n{payload};",
    lambda payload: f"{payload}; MATCH (e:Entity) RETURN e",
    lambda payload: f"/* MATCH (e) RETURN e */ {payload}",
    lambda payload: f"// MATCH (e) RETURN e\n{payload}",
    lambda payload: f"MATCH (e:Entity) /* */ {payload.replace(' ', '/**/')}",
    lambda payload: "".join(map(str.swapcase, payload[:6])) + payload[6:],
    lambda payload: f"EXPLAIN {payload}",
    lambda payload: f"PROFILE {payload}",
    lambda payload: f"CYPHER runtime=slotted {payload}",
    lambda payload: f"MATCH (e:Entity) WITH e {payload}",
    lambda payload: _wide(payload),
    lambda payload: payload.replace(" ", "\u00a0"),
    lambda payload: payload.replace(" ", "\u2003", 1),
    lambda payload: payload[:2] + "\u200b" + payload[2:],
    lambda payload: "\ufeff" + payload,
    lambda payload: payload[:1] + "\u0000" + payload[1:],
    lambda payload: "\\u0020" + payload,
]


def _unreadable_in_braces(text):
    return text.replace("{{", "{").replace("}}", "}")


REFUSED = list(
    dict.fromkeys([*_PAYLOADS, *(disguise(payload) for payload, disguise in itertools.product(_DISGUISED, _DISGUISES))])
)
"""None of these may run."""

_PRODUCT = "MATCH (a:Entity), (b:Entity), (c:Entity), (d:Entity)"

BOMBS = [
    f"{_PRODUCT}, (e:Entity) WHERE a.name + b.name = c.name + d.name + e.name RETURN count(*)",
    f"{_PRODUCT} RETURN collect(a.name + b.name + c.name + d.name)",
    f"{_PRODUCT} WITH collect(a) AS x, collect(b) AS y, collect(c) AS z RETURN size(x)",
    "MATCH (a:Entity)-[:Relation*1..4]-(b:Entity), (c:Entity)-[:Relation*1..4]-(d:Entity) "
    "RETURN count(DISTINCT a.name + d.name)",
    "UNWIND range(1, 1000) AS a UNWIND range(1, 1000) AS b UNWIND range(1, 1000) AS c UNWIND range(1, 1000) AS d "
    "RETURN sum(a * b + c * d)",
    "UNWIND range(1, 1000) AS a UNWIND range(1, 1000) AS b UNWIND range(1, 1000) AS c RETURN collect(a + b + c)",
    f"WITH 'aaaaaaaaaaaaaaaa' AS s {' '.join(['WITH s + s + s + s + s + s + s + s AS s'] * 11)} RETURN size(s)",
    f"{_PRODUCT} WHERE levenshtein(a.name + b.name, c.name + d.name) = 1 RETURN count(*)",
    f"{_PRODUCT}, (e:Entity) WHERE a.name + b.name + c.name + e.name =~ '(.*a.*)*x' RETURN count(*)",
]
"""These only read, and take more time or memory than there is."""


def filled(query, *, secret, out):
    """Return a query with its paths."""
    try:
        return query.format(secret=secret, out=out)
    except (KeyError, IndexError, ValueError):
        return _unreadable_in_braces(query).replace("{secret}", str(secret)).replace("{out}", str(out))
