"""RetrieverKit's retrieval contract.

Plugin authors need nothing else: the types that go in and out of a retriever, the base class, the hooks, the errors.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_core._public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """Import all that is exported when the first of it is asked for: who needs errors alone does not wait for it."""
    # A module of this package is asked for here before it is imported, perhaps by one that `_public` is importing.
    if name == "__all__" or not (name.startswith("_") or find_spec(f"{__name__}.{name}")):
        from retrieverkit_core import _public

        if name == "__all__" or name in _public.__all__:
            return getattr(_public, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from retrieverkit_core import _public

    return sorted({*globals(), *_public.__all__})
