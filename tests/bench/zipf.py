"""A made-up corpus with the word frequencies of real text; the most frequent are left out like stop words."""

import random
from collections.abc import Iterator
from itertools import accumulate, count, product
from pathlib import Path

VOCABULARY = 100_000
LEFT_OUT = 100
WORDS = 60
QUERIES = 2_000
TERMS = 5


def write(folder: Path, texts: int, seed: int = 7, words: int = WORDS) -> None:
    """Write corpus.txt, one text of about `words` words per line, and queries.txt, each five words of one of them."""
    draw = random.Random(seed)
    vocabulary = draw.sample(list(pseudo_words(VOCABULARY)), VOCABULARY)
    frequency = list(accumulate(1 / (rank + LEFT_OUT) for rank in range(1, VOCABULARY + 1)))
    with (folder / "corpus.txt").open("w", encoding="utf-8") as corpus:
        for _ in range(texts):
            length = draw.randint(words // 2, words * 3 // 2)
            print(*draw.choices(vocabulary, cum_weights=frequency, k=length), file=corpus)
    long = [line for line in read(folder, "corpus.txt") if len(set(line.split())) >= TERMS]
    with (folder / "queries.txt").open("w", encoding="utf-8") as queries:
        for _ in range(QUERIES):
            print(*draw.sample(sorted(set(draw.choice(long).split())), TERMS), file=queries)


def pseudo_words(number: int) -> Iterator[str]:
    """Yield words of open syllables. They end in a, o or u: no English stemmer shortens them."""
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    ends = [syllable for syllable in syllables if syllable[-1] in "aou"]
    made = ("".join((*start, end)) for size in count(1) for *start, end in product(*[syllables] * size, ends))
    for word, _ in zip(made, range(number), strict=False):
        yield word


def read(folder: Path, name: str) -> list[str]:
    """Return the lines of corpus.txt or queries.txt."""
    return (folder / name).read_text(encoding="utf-8").splitlines()
