"""``python -m parhelion`` is the command line."""

import sys

from parhelion.cli import main

sys.exit(main())
