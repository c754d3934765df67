MATCH (e:Entity {key: 'marie curie'}) RETURN e
MATCH (e:Entity) WHERE e.name = 'Marie Curie' RETURN e.name, e.labels
MATCH (e:Entity {key: 'marie curie'})-[r:Relation]->(o:Entity) RETURN e, r, o
MATCH (e:Entity {key: 'marie curie'})-[r:Relation]-(o:Entity) RETURN e, r, o
MATCH (e:Entity {key: 'marie curie'})<-[r:Relation]-(o:Entity) RETURN r, o
MATCH (e:Entity)-[r:Relation {label: 'born in'}]->(c:Entity {key: 'warsaw'}) RETURN e
MATCH (e:Entity)-[r:Relation]->(c:Entity) WHERE r.label = 'born in' AND c.key = 'warsaw' RETURN e, r
MATCH (e:Entity)-[r:Relation]->(c:Entity) WHERE r.label IN ['born in', 'lives in'] RETURN e.name, c.name
MATCH (e:Entity)-[r:Relation]->(c:Entity) WHERE r.label STARTS WITH 'born' RETURN e.name AS person, c.name AS place
MATCH (e:Entity)-[r:Relation]->(c:Entity) WHERE r.label ENDS WITH ' in' RETURN e, c
MATCH (e:Entity)-[r:Relation]->(c:Entity) WHERE r.label CONTAINS 'found' RETURN e, r, c
MATCH (e:Entity) WHERE 'Person' IN e.labels RETURN e ORDER BY e.name
MATCH (e:Entity) WHERE 'Person' IN e.labels RETURN e.name ORDER BY e.name DESC LIMIT 3
MATCH (e:Entity) WHERE 'Person' IN e.labels RETURN e.name ORDER BY e.name SKIP 1 LIMIT 2
MATCH (e:Entity) WHERE list_contains(e.labels, 'City') RETURN e
MATCH (e:Entity) WHERE any(l IN e.labels WHERE l = 'City') RETURN e
MATCH (e:Entity) WHERE none(l IN e.labels WHERE l = 'City') RETURN e.name
MATCH (e:Entity) WHERE all(l IN e.labels WHERE l <> 'City') RETURN e.name
MATCH (e:Entity) WHERE single(l IN e.labels WHERE l = 'Person') RETURN e.name
MATCH (e:Entity) WHERE NOT 'Person' IN e.labels RETURN e
MATCH (e:Entity) WHERE 'born=1867' IN e.properties RETURN e
MATCH (e:Entity) WHERE any(p IN e.properties WHERE p STARTS WITH 'born=') RETURN e.name, e.properties
MATCH (e:Entity) RETURN count(*)
MATCH (e:Entity) RETURN count(e) AS entities
MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN r.label, count(*) AS n ORDER BY n DESC, r.label
MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN count(DISTINCT r.label)
MATCH (e:Entity)-[r:Relation]->(o:Entity) WITH e, count(o) AS n WHERE n > 1 RETURN e, n ORDER BY n DESC
MATCH (e:Entity)-[r:Relation]->(o:Entity) WITH e, count(o) AS n ORDER BY n DESC LIMIT 1 RETURN e.name, n
MATCH (e:Entity)-[r:Relation]->(o:Entity) WITH o, collect(e.name) AS names RETURN o.name, names
MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN o.name, collect(DISTINCT e.name)
MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN DISTINCT o.name
MATCH (a:Entity)-[:Relation]->(b:Entity)-[:Relation]->(c:Entity) RETURN a, b, c
MATCH (a:Entity)-[r:Relation]->(b:Entity)<-[s:Relation]-(c:Entity) WHERE a.id < c.id RETURN a.name, b.name, c.name
MATCH (a:Entity)-[r:Relation]->(b:Entity), (c:Entity)-[s:Relation]->(b) WHERE a.id <> c.id RETURN a, c
MATCH (a:Entity {key: 'marie curie'})-[:Relation*1..2]->(b:Entity) RETURN b
MATCH (a:Entity {key: 'marie curie'})-[:Relation*2]->(b:Entity) RETURN b.name
MATCH (a:Entity {key: 'marie curie'})-[:Relation*..3]-(b:Entity) RETURN DISTINCT b.name
MATCH (a:Entity {key: 'marie curie'})-[r:Relation*1..3]-(b:Entity {key: 'sorbonne'}) RETURN r
MATCH p = (a:Entity {key: 'marie curie'})-[:Relation*1..3]->(b:Entity) RETURN p
MATCH p = (a:Entity {key: 'marie curie'})-[:Relation*1..3]->(b:Entity) RETURN nodes(p), rels(p), length(p)
MATCH p = (a:Entity {key: 'marie curie'})-[:Relation* SHORTEST 1..4]-(b:Entity {key: 'sorbonne'}) RETURN p
MATCH p = (a:Entity {key: 'marie curie'})-[:Relation* ALL SHORTEST 1..4]-(b:Entity {key: 'sorbonne'}) RETURN p
MATCH p = (a:Entity {key: 'marie curie'})-[r:Relation*1..2 (step, n | WHERE step.label <> 'born in')]->(b:Entity) RETURN p
MATCH p = (a:Entity)-[:Relation* TRAIL 1..3]->(b:Entity) RETURN length(p)
MATCH p = (a:Entity)-[:Relation* ACYCLIC 1..3]->(b:Entity) RETURN length(p)
MATCH (n:Node)-[:MENTIONS]->(e:Entity {key: 'marie curie'}) RETURN n
MATCH (n:Node)-[:MENTIONS]->(a:Entity {key: 'marie curie'}), (n)-[:MENTIONS]->(b:Entity) WHERE a.id <> b.id RETURN n, b
MATCH (n:Node)-[m:MENTIONS]->(e:Entity) RETURN e.name, count(n) AS nodes ORDER BY nodes DESC, e.name LIMIT 5
MATCH (e:Entity) WHERE EXISTS { MATCH (e)-[:Relation]->(:Entity {key: 'warsaw'}) } RETURN e
MATCH (e:Entity) WHERE NOT EXISTS { MATCH (e)-[:Relation]->(o:Entity) WHERE o.key = 'warsaw' } RETURN e
MATCH (e:Entity) WHERE (e)-[:Relation]->(:Entity {key: 'warsaw'}) RETURN e
MATCH (e:Entity) WHERE NOT (e)-[:Relation]->(:Entity) RETURN e
MATCH (e:Entity) WHERE (e)<-[:Relation]-(:Entity) AND (e)-[:Relation]-(:Entity) RETURN e.name
MATCH (e:Entity) RETURN e.name, COUNT { MATCH (e)-[:Relation]->(:Entity) } AS out ORDER BY out DESC, e.name
MATCH (e:Entity {key: 'marie curie'}) OPTIONAL MATCH (e)-[r:Relation {label: 'died in'}]->(o:Entity) RETURN e, o
MATCH (e:Entity) OPTIONAL MATCH (e)-[r:Relation]->(o:Entity) WHERE r.label = 'founded' RETURN e.name, o.name
UNWIND ['marie curie', 'pierre curie'] AS key MATCH (e:Entity {key: key}) RETURN e
UNWIND [1, 2, 3] AS x RETURN x * 2 AS twice
UNWIND range(1, 5) AS x RETURN sum(x)
MATCH p = (a:Entity {key: 'marie curie'})-[:Relation*1..2]->(b:Entity) UNWIND nodes(p) AS n RETURN n
MATCH (e:Entity) WHERE e.name =~ '.*Curie' RETURN e
MATCH (e:Entity) WHERE regexp_matches(e.name, 'Curie$') RETURN e
MATCH (e:Entity) WHERE toLower(e.name) CONTAINS 'curie' RETURN e
MATCH (e:Entity) WHERE lower(e.name) = 'warsaw' RETURN e
MATCH (e:Entity) WHERE upper(e.name) STARTS WITH 'MARIE' RETURN e
MATCH (e:Entity) WHERE size(e.name) > 6 RETURN e.name, size(e.name)
MATCH (e:Entity) WHERE size(e.labels) = 0 RETURN e
MATCH (e:Entity) WHERE e.name IS NOT NULL RETURN e.name
MATCH (e:Entity) WHERE e.name IS NULL RETURN e.name
MATCH (e:Entity) WHERE e.key = 'marie curie' OR e.key = 'pierre curie' RETURN e
MATCH (e:Entity) WHERE (e.key = 'marie curie' OR e.key = 'warsaw') AND NOT 'City' IN e.labels RETURN e
MATCH (e:Entity) WHERE e.key = 'marie curie' XOR 'City' IN e.labels RETURN e.name
MATCH (e:Entity) WHERE e.name < 'N' AND e.name >= 'M' RETURN e.name
MATCH (e:Entity) RETURN e.name, CASE WHEN 'Person' IN e.labels THEN 'person' ELSE 'other' END AS kind
MATCH (e:Entity) RETURN CASE e.key WHEN 'warsaw' THEN 1 WHEN 'paris' THEN 2 ELSE 0 END AS n, count(*) ORDER BY n
MATCH (e:Entity) RETURN min(e.name), max(e.name)
MATCH (e:Entity) RETURN avg(size(e.name)), sum(size(e.name))
MATCH (e:Entity) RETURN coalesce(e.name, 'nameless')
MATCH (e:Entity) RETURN left(e.name, 3), right(e.name, 3), substring(e.name, 1, 2)
MATCH (e:Entity) RETURN trim(e.name), ltrim(e.name), rtrim(e.name)
MATCH (e:Entity {key: 'marie curie'}) RETURN e.labels[1]
MATCH (e:Entity) RETURN collect(e.name)[1..2]
MATCH (e:Entity) RETURN labels(e), id(e), e.id
MATCH (a:Entity)-[r:Relation]->(b:Entity) RETURN start_node(r), end_node(r), r.id
MATCH (a:Entity)-[r:Relation]->(b:Entity) WHERE 'since=1903' IN r.properties RETURN a, r, b
MATCH (a:Entity)-[r:Relation]->(b:Entity) RETURN a.name + ' ' + r.label + ' ' + b.name AS fact ORDER BY fact
MATCH (a:Entity)-[r:Relation]->(b:Entity) RETURN {who: a.name, what: b.name} AS pair
MATCH (a:Entity)-[r:Relation|MENTIONS]->(b) RETURN b.name LIMIT 1
MATCH (a)-[r]->(b:Entity) RETURN b LIMIT 2
MATCH (a:Entity)-->(b:Entity) RETURN a, b
MATCH (a:Entity)--(b:Entity) RETURN count(*)
MATCH (a:Entity)<--(b:Entity) RETURN a.name
MATCH (a:Entity) WHERE levenshtein(a.key, 'marie curie') < 2 RETURN a
match (e:Entity) where e.key = "marie curie" return e.name as name order by name asc limit 1
MATCH (e:Entity) /* all of them */ RETURN e.name /* by name */ ORDER BY e.name;
MATCH (load:Entity {key: 'marie curie'}) RETURN load
MATCH (e:Entity) WHERE e.name = 'O\'Brien; DROP TABLE Entity' OR e.name = "LOAD FROM '/etc/passwd'" RETURN e
MATCH (e:Entity) WHERE e.name = '居里夫人' OR e.name = 'Zoë ＭATCH' RETURN e
MATCH (e:Entity) RETURN e.id % 2 = 0 AS even, -e.id + 3 - 1, e.id * 2 / 2, 2 ^ 3, round(abs(-1.5), 0), sqrt(4)
MATCH (e:Entity) RETURN *
MATCH (a:Entity {key: 'marie curie'})-[r:Relation]->(b:Entity) WITH a, b WHERE 'City' IN b.labels MATCH (c:Entity)-[:Relation]->(b) WHERE c.id <> a.id RETURN c, b
MATCH (a:Entity {key: 'marie curie'}) WITH a LIMIT 1 MATCH (a)-[r:Relation]->(b:Entity) RETURN r
MATCH (a:Entity) WITH a.name AS name, size(a.name) AS length ORDER BY length DESC SKIP 1 LIMIT 2 RETURN name, length
