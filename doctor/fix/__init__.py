"""An upgrade carried out: resolved, shown, applied, proved, and undone."""
