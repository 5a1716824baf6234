"""The sessions of a process: open, current, ended, and the journal that each writes."""
