"""Runs inside a patient that does not start, with `-S`: does what Python does when it starts, and says before each file which it is.

Standard library, Python 3.8 and newer.
"""

import importlib.machinery
import json
import os
import platform
import signal
import sys


def main():
    if hasattr(signal, "alarm"):
        signal.alarm(int(sys.argv[1]))  # Should doctor be killed: not to hang here for ever.
    answers = os.dup(1)  # Whatever is done to stdout.

    def say(**facts):
        os.write(answers, ("\n" + json.dumps(facts) + "\n").encode())

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if not is_folder(entry, here)]
    import site

    say(version=platform.python_version(), implementation=platform.python_implementation(), running=None)
    site.addpackage = said(site.addpackage, say, lambda folder, name, *_: os.path.join(folder, name))
    site.execsitecustomize = said(site.execsitecustomize, say, lambda: where("sitecustomize"))
    site.execusercustomize = said(site.execusercustomize, say, lambda: where("usercustomize"))
    site.main()


def said(run, say, name):
    def runs(*arguments):
        say(running=name(*arguments))
        result = run(*arguments)
        say(running=None)
        return result

    return runs


def where(module):
    found = importlib.machinery.PathFinder.find_spec(module)
    return found and found.origin


def is_folder(entry, folder):
    """Whether an entry of sys.path, which may be anything, is this folder."""
    try:
        return os.path.abspath(entry or ".") == folder
    except (TypeError, ValueError):
        return False


main()
