"""``python -m l2rw``."""

import sys

from l2rw.commands.main import main

sys.exit(main())
