"""Runs inside the patient: says what interpreter this is and where it looks for modules. Standard library, any Python 3."""

import json
import os
import platform
import signal
import sys


def main():
    if hasattr(signal, "alarm"):
        signal.alarm(int(sys.argv[1]))  # Should doctor be killed: not to hang here for ever.
    here = os.path.dirname(os.path.abspath(__file__))
    facts = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "prefix": sys.prefix,
        "path": [entry for entry in sys.path if isinstance(entry, str) and not is_folder(entry, here)],
    }
    sys.stdout.write("\n" + json.dumps(facts) + "\n")


def is_folder(entry, folder):
    """Whether an entry of sys.path, which may be anything, is this folder."""
    try:
        return os.path.abspath(entry or ".") == folder
    except (TypeError, ValueError):
        return False


main()
