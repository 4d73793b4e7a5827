"""Runs inside the patient: says what interpreter this is and where it looks for modules. Standard library, any Python 3."""

import json
import os
import platform
import sys


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    facts = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "prefix": sys.prefix,
        "path": [entry for entry in sys.path if os.path.abspath(entry or ".") != here],
    }
    # The last line counts: whatever the patient's own start-up files print comes before it.
    sys.stdout.write("\n" + json.dumps(facts) + "\n")


main()
