"""Hybrid beside its own legs among 200,000 documents: what asking two and fusing costs."""

import hybrid_search
from contest import Surplus

TITLE = hybrid_search.title(200_000)
UNIT = "ms"
DISTRIBUTIONS = hybrid_search.DISTRIBUTIONS
BUILDS = False
AGREEMENT_WITH = None
PROMISES = (Surplus(hybrid_search.LEGS, 0.0003),)
CONTENDERS = hybrid_search.CONTENDERS
prepare = hybrid_search.prepare(200_000)
