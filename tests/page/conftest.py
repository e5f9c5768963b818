"""Made-up results, as the ledger is tested on."""

from tests.analysis.conftest import make_up, make_up_in, reseal
from tests.claims.test_files import bench, folder, ledger, plans

__all__ = ["bench", "folder", "ledger", "make_up", "make_up_in", "plans", "reseal"]
