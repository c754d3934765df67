"""Makes tests/support importable for the tests that cross packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
