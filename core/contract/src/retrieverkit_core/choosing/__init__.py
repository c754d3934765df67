"""Choosing among texts by a language model, so that what the texts say cannot widen the choice.

The model is shown texts under random labels and answers with labels and grades alone, which its schema limits to those
that were shown. So whatever a text says, and whatever the model answers, what is chosen is among what was shown. One
text in each batch is made up and has nothing to do with the query: a batch in which it is chosen is suspect.
"""

from retrieverkit_core.choosing._answers import Parse
from retrieverkit_core.choosing._asking import BATCH_SIZE, achoose, choose, cost_of
from retrieverkit_core.choosing._choices import Choices, Chosen, Cost, Failed
from retrieverkit_core.choosing._prompting import INSTRUCTIONS

__all__ = [
    "BATCH_SIZE",
    "INSTRUCTIONS",
    "Choices",
    "Chosen",
    "Cost",
    "Failed",
    "Parse",
    "achoose",
    "choose",
    "cost_of",
]
