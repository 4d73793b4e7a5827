"""Runs inside a patient, for tools/fit_measured.py: does several jobs of doctor/probe/inside/placement.py, importing the packages once.

    python fit_foretell.py SCRIPT JOB...

What it would print of each job is in a file beside the job. Standard library and the patient's packages.
"""

import importlib.util
import json
import os
import sys
import warnings

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    modules = os.path.join(os.path.dirname(sys.argv[2]), "modules")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", HF_MODULES_CACHE=modules)
    spec = importlib.util.spec_from_file_location("placement", sys.argv[1])
    placement = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(placement)
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            job = json.load(file)
        with open(path + ".answer", "w", encoding="utf-8") as answers:

            def say(answers=answers, **facts):
                answers.write(json.dumps(facts) + "\n")

            placement.place_all(job, say)
