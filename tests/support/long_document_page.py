"""Measures ways to cut and to search one long document: `python tests/support/long_document_page.py`.

The document and the questions are in tests/data; the answer to each question is a passage that stands in the document
once. The figures go to docs/reference/long-document.json and the page is made from them, never typed.
"""

import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from workspace import ROOT

HANDBOOK = ROOT / "tests" / "data" / "handbook.md"
QUESTIONS = ROOT / "tests" / "data" / "handbook-questions.jsonl"
PAGE = ROOT / "docs" / "reference" / "long-document.md"
FIGURES = PAGE.with_suffix(".json")
BUDGETS = (1_000, 2_000, 4_000, 8_000)
LIMITS = (1, 2, 3, 5, 8, 12, 20, 40, 80)
WITHIN = ("bm25", "hybrid(embedding='lsa')")
DEEPEST = 10


class Way(NamedTuple):
    """A way to cut and to search.

    Attributes:
        splitter: How the document is cut.
        mode: What is asked; ``{}`` is the retriever within.
        searched: The fields that are searched beside the text, where that is not the usual.
    """

    splitter: str
    mode: str
    searched: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """What the page calls it."""
        mode = "as it is" if self.mode == "{}" else f"`{self.mode.partition('(')[0]}`"
        return f"`{self.splitter}`, {mode}{'; headings not searched' if self.searched == ('title',) else ''}"


PLAIN = Way("pieces", "{}")
WAYS = [
    PLAIN,
    Way("pieces(chunk_size=300)", "{}"),
    Way("headings", "{}"),
    Way("headings", "{}", ("title",)),
    Way("headings(chunk_size=300)", "{}"),
    Way("headings(chunk_size=300)", "{}", ("title",)),
    Way("hierarchical", "auto_merging({})"),
    Way("hierarchical", "ensemble({})"),
    Way("sentences", "{}"),
    Way("sentences", "sentence_window({})"),
]

READING = """\
## What it says

- **Headings help small pieces.** Cut by `headings(chunk_size=300)`, 1,000 characters hold more answers than by
  `pieces`, of either size: most of that because pieces begin and end with sections, some because the headings are
  searched with them. From 4,000 characters on the difference is chance.
- **Whole sections are no better than pieces.** They are as long, and some are much longer. What speaks for them is that
  they begin and end where their author meant.
- **`auto_merging` is about as good as pieces**, from 1,000 characters to 8,000. Its first hit alone is worse: it is
  small, or the mean of several.
- **`sentence_window` is behind pieces here** at every number of characters. Windows of neighbouring hits repeat each
  other, and a single sentence is a poor ground to rank by. It finds sentences for those who quote them.
- **`ensemble` is far behind.** The same text is returned in several sizes, so fewer characters are new. It is for
  a reranker that chooses among sizes, not for an answer as it stands.
- Who has room for 8,000 characters has no need of any of this.
"""
"""What the figures say; tests/test_long_document_page.py holds it to them."""


def squeezed(text: str) -> str:
    """Return a text with one space for all white space."""
    return " ".join(text.split())


def questions() -> list[tuple[str, str]]:
    """Return each question with its answer."""
    rows = map(json.loads, QUESTIONS.read_text(encoding="utf-8").splitlines())
    return [(row["question"], squeezed(row["answer"])) for row in rows]


def measured(way: Way, within: str, index: Any) -> dict[str, Any]:
    """Return for each question where its answer is, and what of the texts is."""
    mode = way.mode.format(within)
    first, lengths, held = [], [], {str(budget): [] for budget in BUDGETS}
    for question, answer in questions():
        texts = [hit.text for hit in index.retrieve(question, mode, top_k=DEEPEST)]
        ranks = [rank for rank, text in enumerate(texts, 1) if answer in squeezed(text)]
        first.append(ranks[0] if ranks else None)
        lengths += [len(text) for text in texts]
        for budget in BUDGETS:
            held[str(budget)].append(answer in squeezed(context(index, question, mode, budget)))
    return {"first": first, "characters": median(lengths), "held": held}


def context(index: Any, question: str, mode: str, budget: int) -> str:
    """Return the first ``budget`` characters of an answer with just as many hits as that takes."""
    told = ""
    for limit in LIMITS:
        told = "\n".join(hit.text for hit in index.retrieve(question, mode, top_k=limit))
        if len(told) >= budget:
            break
    return told[:budget]


def render(figures: dict[str, Any]) -> str:
    """Return the page of the figures."""
    number = figures["questions"]
    lines = [
        "# One long document",
        "",
        f"What ways to cut and to search a document find of a handbook of {figures['characters']:,} characters, made",
        f"of pages of this documentation as they once were: {number} questions, each with a passage that answers,",
        "and stands there once (`tests/data/handbook.md`). They were written before anything was measured, and no",
        "setting was chosen by them. `python tests/support/long_document_page.py` measures again.",
        "",
        "Larger hits hold more of everything. So the columns of characters compare what the same number of returned",
        "characters holds: the share of questions whose answer is in the first so many, with as many hits as that",
        "takes. `+3 -1` says that three questions are answered in the first 4,000 characters that `pieces` as it is",
        "does not answer, and one the other way round. Differences of two or three questions, .02 each, are chance.",
    ]
    for within in WITHIN:
        lines += ["", f"## Searched by `{within}`", "", *table(figures["found"][within])]
    return "\n".join([*lines, "", READING])


def table(found: dict[str, dict[str, Any]]) -> list[str]:
    """Return a row per way."""
    budgets = " | ".join(f"{budget:,}" for budget in BUDGETS)
    lines = [
        f"| cut by, searched by | a hit has | {budgets} characters | beside pieces | hit@1 | hit@5 | MRR@10 |",
        "|---|---:|" + "---:|" * (len(BUDGETS) + 4),
    ]
    for way in WAYS:
        one = found[way.name]
        shares = [f"{share(one['held'][str(budget)]):.2f}" for budget in BUDGETS]
        beside = against(one["held"]["4000"], found[PLAIN.name]["held"]["4000"])
        hits = [share([rank is not None and rank <= k for rank in one["first"]]) for k in (1, 5)]
        mrr = sum(1 / rank for rank in one["first"] if rank is not None) / len(one["first"])
        cells = [f"{one['characters']:,.0f}", *shares, beside, *(f"{hit:.2f}" for hit in hits), f"{mrr:.2f}"]
        lines.append(f"| {way.name} | {' | '.join(cells)} |")
    return lines


def against(mine: list[bool], plain: list[bool]) -> str:
    """Return how many questions are answered that were not, and how many are not that were."""
    if mine is plain:
        return ""
    pairs = list(zip(mine, plain, strict=True))
    return f"+{sum(a and not b for a, b in pairs)} -{sum(b and not a for a, b in pairs)}"


def share(of: list[bool]) -> float:
    """Return the share of what is true."""
    return sum(of) / len(of)


def main() -> None:
    """Measure, and write the figures and the page."""
    from retrieverkit import Document, Index

    document = Document(HANDBOOK.read_text(encoding="utf-8"), id="handbook.md", metadata={"path": "handbook.md"})
    document.metadata["title"] = "The handbook of retrieval"
    document.excluded_embed_metadata_keys = ["path"]
    figures: dict[str, Any] = {"characters": len(document.text), "questions": len(questions())}
    figures["found"] = {within: {} for within in WITHIN}
    for way in WAYS:
        with (
            tempfile.TemporaryDirectory() as folder,
            Index.create(Path(folder, "i.rk"), splitter=way.splitter, searched=way.searched, embedding="lsa") as index,
        ):
            index.add(document)
            for within in WITHIN:
                figures["found"][within][way.name] = measured(way, within, index)
                print(within, way.name, flush=True)
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(render(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
