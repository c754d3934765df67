"""What a graph must show, worked out the plain way from what each node supports."""

import json
import math
from collections import Counter, defaultdict

from retrieverkit_property_graph.names import key_of

QUERIES = ("acme", "who acquired bolt", "bolt bolt makes screws", "part of the sea", "京", "...")


def majority(said):
    """Of pairs of node and value: the value of most nodes, of equals the smallest."""
    counts = Counter(value for _, value in set(said))
    return min(counts, key=lambda value: (-counts[value], value))


def merged_properties(given):
    by_key = defaultdict(list)
    for node, properties in given:
        for key, value in properties.items():
            by_key[key].append((node, json.dumps(value, sort_keys=True)))
    return {key: json.loads(majority(said)) for key, said in by_key.items()}


class Model:
    """The graph of some nodes: ``nodes`` is a list of node id and `Extracted`, in the order of the corpus."""

    def __init__(self, nodes, analyzer):
        self.order = [node for node, _ in nodes]
        self.problems = [(node, of.problem) for node, of in nodes if of.problem]
        self.mentioned, self.stated = defaultdict(list), defaultdict(list)
        for node, of in nodes:
            ends = [end for triple in of.triples for end in (triple.subject, triple.object)]
            for entity in (*of.entities, *ends):
                self.mentioned[key_of(entity.name)].append((node, entity))
            for triple in of.triples:
                key = tuple(map(key_of, (triple.subject.name, triple.relation, triple.object.name)))
                self.stated[key].append((node, triple))
        self.terms = {key: [term for part in key for term in analyzer.terms(part)] for key in self.stated}
        self.analyzer = analyzer

    def entities(self):
        return {
            key: (
                majority((node, entity.name) for node, entity in said),
                tuple(sorted({label for _, entity in said for label in entity.labels})),
                merged_properties((node, entity.properties) for node, entity in said),
                self.nodes(said),
            )
            for key, said in self.mentioned.items()
        }

    def relations(self):
        return {
            key: (
                majority((node, triple.relation) for node, triple in said),
                merged_properties((node, triple.properties) for node, triple in said),
                self.nodes(said),
            )
            for key, said in self.stated.items()
        }

    def nodes(self, said):
        return sorted({node for node, _ in said}, key=self.order.index)

    def in_order(self, keys):
        return sorted(keys, key=lambda key: (min(self.order.index(node) for node, _ in self.stated[key]), key))

    def relations_of(self, key):
        return self.in_order(each for each in self.stated if key in (each[0], each[2]))

    def facts(self, query):
        total = len(self.terms)
        mean = sum(map(len, self.terms.values())) / total if total else 0
        scores = Counter()
        for term, asked in Counter(self.analyzer.terms(key_of(query))).items():
            having = [key for key, terms in self.terms.items() if term in terms]
            for key in having:
                often, length = self.terms[key].count(term), len(self.terms[key])
                weight = math.log(1 + (total - len(having) + 0.5) / (len(having) + 0.5))
                scores[key] += asked * weight * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * length / mean))
        place = {key: at for at, key in enumerate(self.in_order(scores))}
        rounded = ((key, round(score, 6)) for key, score in scores.items())
        return sorted(rounded, key=lambda pair: (-pair[1], place[pair[0]]))

    def shown(self):
        """Return all that a view may show, for comparison with `shown_by`."""
        pairs = {(key, node) for key, said in self.mentioned.items() for node, _ in said}
        stated = {(key, node) for key, said in self.stated.items() for node, _ in said}
        return {
            "entities": self.entities(),
            "relations": self.relations(),
            "passages": self.order,
            "mentions": sorted(pairs),
            "supports": sorted(stated),
            "counts": (len(self.mentioned), len(self.stated), len(self.order), len(pairs)),
            "problems": self.problems,
            "relations of": {key: self.relations_of(key) for key in self.mentioned},
            "facts": {query: self.facts(query) for query in QUERIES},
            "names": {node: sorted(key for key, other in pairs if other == node) for node in self.order},
            "states": {node: sorted(key for key, other in stated if other == node) for node in self.order},
        }


def shown_by(view, names, node_ids):
    """Return all that a view shows: ``names`` are looked for, ``node_ids`` has the node's id by its ordinal."""
    arrays = view.arrays()
    entities = {each.id: each for each in view.entities(arrays.entities.tolist())}
    relations = {each.id: each for each in view.relations(arrays.relations.ids.tolist())}
    ids = arrays.entities.tolist()
    for name, found in view.find(names).items():
        assert entities[found].key == key_of(name)
    assert {key_of(name) for name in view.find(names)} == {key_of(name) for name in names} & {
        each.key for each in entities.values()
    }
    ends = zip(*(column.tolist() for column in arrays.relations), strict=True)
    assert [(ids[s], ids[o]) for s, o, _ in ends] == [(each.subject, each.object) for each in relations.values()]
    assert view.keys() == [entities[id_].key for id_ in ids]
    assert view.names(ids) == {each.id: each.name for each in entities.values()}
    key = {
        each.id: (entities[each.subject].key, key_of(each.label), entities[each.object].key)
        for each in relations.values()
    }
    passages = [node_ids[ordinal] for ordinal in arrays.passages.tolist()]
    mentions = zip(*(column.tolist() for column in arrays.mentions), strict=True)
    supports = zip(*(column.tolist() for column in arrays.supports), strict=True)
    relation_ids = arrays.relations.ids.tolist()
    count = view.count()

    def nodes(each):
        return [node_ids[ordinal] for ordinal in each.supports.tolist()]

    every = list(node_ids)
    return {
        "entities": {each.key: (each.name, each.labels, each.properties, nodes(each)) for each in entities.values()},
        "relations": {key[each.id]: (each.label, each.properties, nodes(each)) for each in relations.values()},
        "passages": passages,
        "mentions": sorted((entities[ids[e]].key, passages[p]) for e, p in mentions),
        "supports": sorted((key[relation_ids[r]], passages[p]) for r, p in supports),
        "counts": (count.entities, count.relations, count.passages, count.mentions),
        "problems": [(node_ids[ordinal], text) for ordinal, text in view.problems()],
        "relations of": {
            each.key: [key[relation] for relation in view.relations_of([each.id])] for each in entities.values()
        },
        "facts": {query: [(key[r], round(s, 6)) for r, s in view.facts(query, 10_000)] for query in QUERIES},
        "names": {
            node_ids[o]: sorted(entities[e].key for e in view.mentioned_in([o]))
            for o in every
            if node_ids[o] in passages or view.mentioned_in([o])
        },
        "states": {
            node_ids[o]: sorted(key[r] for r in view.supported_by([o]))
            for o in every
            if node_ids[o] in passages or view.supported_by([o])
        },
    }
