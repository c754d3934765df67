"""The conformance kit: what a retriever plugin for RetrieverKit is tested with."""

from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.card import to_card
from retrieverkit_testkit.results import CheckResult, Outcome, Report
from retrieverkit_testkit.running import check_retriever
from retrieverkit_testkit.subjects import for_mode

__all__ = ["Capability", "CheckResult", "Outcome", "Report", "check_retriever", "for_mode", "to_card"]
