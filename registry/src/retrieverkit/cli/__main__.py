"""``python -m retrieverkit.cli``."""

import sys

from retrieverkit.cli import main

sys.exit(main())
