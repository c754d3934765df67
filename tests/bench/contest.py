"""What a row is made of: contenders and promises."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

OURS = "RetrieverKit"


class Contender:
    """One library at one task, alone in its process.

    The constructor imports and reads inputs and is not measured; `build` is, and so is every `call`.
    """

    clock = staticmethod(perf_counter)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self) -> None:
        """Make what the calls need."""

    def before(self, turn: int) -> None:
        """Do what has to happen before each call and is not measured."""

    def call(self, turn: int) -> object:
        """Do the task once; what it returns can be compared between contenders."""
        raise NotImplementedError

    def figures(self) -> dict[str, float]:
        """Return what else the contender can tell once it has had its turns: ``p99``, ``agreement``."""
        return {}


@dataclass(frozen=True)
class Promise:
    """RetrieverKit's figure, or that of the variant `of`, is at most `limit` times that of a peer."""

    peer: str
    limit: float
    figure: str = "call"
    of: str = OURS

    def kept_by(self, contenders: dict) -> dict:
        """Return the promise with the ratio that was measured, None where one of the two did not run."""
        ours, peer = contenders[self.of], contenders[self.peer]
        if self.figure == "call":
            ratio = _call_ratio(ours, peer)
        else:
            ran = self.figure in ours and self.figure in peer
            ratio = ours[self.figure] / peer[self.figure] if ran else None
        return {
            "figure": self.figure,
            "of": "" if self.of == OURS else self.of,
            "peer": self.peer,
            "limit": self.limit,
            "ratio": ratio,
            "kept": ratio is not None and ratio <= self.limit,
        }


def _call_ratio(ours: dict, peer: dict) -> float | None:
    """Return how many times the peer's time ours takes, from the turns where RetrieverKit itself had some."""
    if "ratio" in ours and "ratio" in peer:
        return peer["ratio"] / ours["ratio"]
    if "median" in ours and "median" in peer:
        return ours["median"] / peer["median"]
    return None


@dataclass(frozen=True)
class Surplus:
    """RetrieverKit's call takes at most `limit` seconds more than that of the dearest peer."""

    peers: tuple[str, ...]
    limit: float

    def kept_by(self, contenders: dict) -> dict:
        """Return the promise with the seconds measured, None where one of them did not run."""
        ran = all("median" in contenders[name] for name in (OURS, *self.peers))
        dearest = max(contenders[peer]["median"] for peer in self.peers) if ran else None
        surplus = contenders[OURS]["median"] - dearest if ran else None
        return {
            "figure": "call",
            "peer": " and ".join(self.peers),
            "seconds_more": self.limit,
            "measured": surplus,
            "kept": surplus is not None and surplus <= self.limit,
        }
