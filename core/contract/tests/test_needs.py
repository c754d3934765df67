"""What a mode declares that it needs is there before its plugin is asked."""

import pytest

from retrieverkit_core import BaseRetriever, BuildContext, Need
from retrieverkit_core.errors import MissingServiceError


class Anything(BaseRetriever):
    def _retrieve(self, query_bundle):
        return []


HAS = {
    Need.CORPUS: {"corpus": object()},
    Need.EMBEDDING: {"services": object()},
    Need.LLM: {"services": object()},
    Need.SUB_RETRIEVERS: {"resolve": lambda spec: Anything()},
}


@pytest.mark.parametrize("need", Need)
def test_a_need_that_is_not_met_is_an_error_with_the_mode(need):
    with pytest.raises(MissingServiceError):
        BuildContext(mode="needy").require(frozenset({need}))
    BuildContext(mode="needy", **HAS[need]).require(frozenset({need}))
    BuildContext(mode="needy").require(frozenset())
