"""Every deprecation of RetrieverKit, one constant each: what goes, since when, and what to write instead.

What is deprecated in 0.3 warns in 0.3 and 0.4 and is gone in 0.5: it goes on working for two minor releases. A use
calls the constant's `warn`; the change brings a fragment ``deprecated`` in ``changelog.d``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

MINORS = 2
"""For how many minor releases a deprecated name goes on working."""


class RetrieverKitDeprecationWarning(DeprecationWarning):
    """Something still works and will not in a release that the message names."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """One thing that is going.

    Attributes:
        what: What is deprecated, as users write it: ``bm25(similarity_top_k=…)``.
        since: The first release that warns, such as ``"0.3"``.
        instead: What to write instead.
    """

    what: str
    since: str
    instead: str

    @property
    def removed(self) -> str:
        """The first release without it."""
        major, minor = map(int, self.since.split(".")[:2])
        return f"{major}.{minor + MINORS}"

    def __str__(self) -> str:
        return f"{self.what} is deprecated since {self.since} and will be removed in {self.removed}; {self.instead}"

    def warn(self, stacklevel: int = 1) -> None:
        """Warn at the line that called the function which calls this.

        Args:
            stacklevel: How many callers further up that line is, from 1.
        """
        warnings.warn(str(self), RetrieverKitDeprecationWarning, stacklevel=stacklevel + 2)
