"""Runs the conformance kit on the first-party modes and writes their cards: `python tests/support/score_cards.py`.

The cards go to docs/reference/score-cards.json and the page is made from them, never typed.
"""

import json
from typing import Any

from workspace import ROOT

PAGE = ROOT / "docs" / "reference" / "score-cards.md"
CARDS = PAGE.with_suffix(".json")
MODES = {
    "bm25": ["deterministic", "ranks-by-query", "exhaustive", "lexical"],
    "vector(embedding='lsa')": ["deterministic", "ranks-by-query", "exhaustive"],
    "hybrid(embedding='lsa')": ["deterministic", "ranks-by-query", "exhaustive"],
    "fusion(bm25, vector(embedding='lsa'))": ["deterministic", "ranks-by-query", "exhaustive"],
    "keyword": ["deterministic", "ranks-by-query", "lexical"],
    "grep": ["deterministic", "ranks-by-query"],
    "auto(bm25)": ["deterministic", "ranks-by-query", "exhaustive", "lexical"],
    "summary": ["deterministic", "exhaustive"],
    "summary_embedding(embedding='lsa')": ["deterministic", "ranks-by-query", "exhaustive"],
    "document_summary_embedding(embedding='lsa', choice_top_k=20000)": ["deterministic", "ranks-by-query"],
    "tree_select_leaf_embedding(embedding='lsa', child_branch_factor=20000)": ["deterministic", "ranks-by-query"],
    "graph_ppr": ["deterministic"],
    "graph_vector(embedding='lsa')": ["deterministic"],
    "property_graph": ["deterministic"],
    "rerank(vector(embedding='lsa'), by='embedding', candidates=20000)": [
        "deterministic",
        "ranks-by-query",
        "exhaustive",
    ],
    "auto_merging(bm25)": ["deterministic", "ranks-by-query", "exhaustive", "lexical"],
    "sentence_window(bm25)": ["deterministic", "ranks-by-query", "exhaustive", "lexical"],
}
"""What is checked and declared: wide enough to find all there is, where a mode chooses documents or branches."""


def render(cards: list[dict[str, Any]]) -> str:
    """Return the page of the cards."""
    lines = [
        "# Score cards",
        "",
        "What the conformance kit found of the modes shipped here, made from its own cards. Each check is described in",
        "[Conformance checks](conformance-checks.md); `retriever doctor --verify MODE` prints the card of any mode",
        "that is installed.",
        "",
        "| mode | distribution | conforms | passed | failed | skipped |",
        "|---|---|---|---:|---:|---:|",
    ]
    for card in cards:
        counts = card["counts"]
        told = [str(counts.get(outcome, 0)) for outcome in ("passed", "failed", "skipped")]
        verdict = "yes" if card["conforms"] else "no"
        shipped = f"{card['distribution']} {card['version']}"
        lines.append(f"| `{card['subject']}` | {shipped} | {verdict} | {' | '.join(told)} |")
    for card in cards:
        others = [check for check in card["checks"] if check["outcome"] != "passed"]
        lines += ["", f"## {card['mode']}", "", f"Declared: {', '.join(card['capabilities'])}.", ""]
        lines += [f"- `{check['name']}`: {check['outcome']}, {check['reason']}" for check in others]
        if not others:
            lines.append("Every check passed.")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the kit and write the cards and the page."""
    from retrieverkit_testkit import check_retriever, to_card

    cards = []
    for mode, capabilities in MODES.items():
        cards.append(card := to_card(check_retriever(mode, capabilities=capabilities)))
        print(card["subject"], card["conforms"], card["counts"], card["seconds"], flush=True)
    CARDS.write_text(json.dumps(cards, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(render(cards), encoding="utf-8")


if __name__ == "__main__":
    main()
