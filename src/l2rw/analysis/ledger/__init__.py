"""The reproduction ledger: the paper's claims, judged on results; docs/verdicts.md tells how."""
