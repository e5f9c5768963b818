"""``python -m l2rw``."""

import sys

from l2rw.cli import main

sys.exit(main())
