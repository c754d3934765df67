"""Profiles of hypothesis for every package: `HYPOTHESIS_PROFILE=full uv run pytest` asks for all examples.

No profile has a deadline, as a test does not measure time. A test that needs more or fewer examples than the profile
says so as a factor: `max_examples=3 * settings.default.max_examples`.
"""

import os

from hypothesis import settings

settings.register_profile("dev", deadline=None, max_examples=20)
settings.register_profile("full", deadline=None, max_examples=100)
settings.register_profile("ci", settings.get_profile("full"), derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev"))
