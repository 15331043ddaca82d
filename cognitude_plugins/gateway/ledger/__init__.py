"""The ledger: one row per call, from the journal over one writer into SQL, and read from there."""
