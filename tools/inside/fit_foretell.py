"""Runs inside a patient, for tools/fit_measured.py: does several jobs of doctor/probe/inside/placement.py, importing the packages once.

    python fit_foretell.py SCRIPT JOB...

Each job is done in a process forked for it, with what it prints in a file beside the job. Linux; standard library and the patient's packages.
"""

import importlib.util
import os
import sys

if __name__ == "__main__":
    import accelerate.big_modeling  # noqa: F401
    import transformers.modeling_utils  # noqa: F401

    spec = importlib.util.spec_from_file_location("placement", sys.argv[1])
    placement = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(placement)
    for job in sys.argv[2:]:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(job + ".answer", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            sys.argv = [sys.argv[1], job, "3600"]
            placement.main()
        os.waitpid(child, 0)
