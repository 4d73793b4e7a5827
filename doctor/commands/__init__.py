"""The commands, one a file, all shaped alike: `add` declares it to the parser, `_run` does it and returns the exit code."""
