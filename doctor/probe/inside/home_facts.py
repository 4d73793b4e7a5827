"""Runs inside the patient: says where its packages are kept and what requirements are judged by. Standard library, any Python 3."""

import json
import os
import platform
import signal
import sys
import sysconfig


def main():
    if hasattr(signal, "alarm"):
        signal.alarm(int(sys.argv[1]))  # Should doctor be killed: not to hang here for ever.
    paths = sysconfig.get_paths()
    version = sys.implementation.version
    release = "{}.{}.{}".format(version.major, version.minor, version.micro)
    facts = {
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "roots": [paths[name] for name in ("purelib", "platlib", "scripts")],
        # PEP 668 speaks of the installation itself: a virtual environment on top of it may be changed.
        "externally_managed": sys.prefix == sys.base_prefix and os.path.isfile(os.path.join(paths["stdlib"], "EXTERNALLY-MANAGED")),
        # As the dependency specifiers of PyPA say: https://packaging.python.org/en/latest/specifications/dependency-specifiers/
        "markers": {
            "implementation_name": sys.implementation.name,
            "implementation_version": release if version.releaselevel == "final" else release + version.releaselevel[0] + str(version.serial),
            "os_name": os.name,
            "platform_machine": platform.machine(),
            "platform_python_implementation": platform.python_implementation(),
            "platform_release": platform.release(),
            "platform_system": platform.system(),
            "platform_version": platform.version(),
            "python_full_version": platform.python_version(),
            "python_version": ".".join(platform.python_version_tuple()[:2]),
            "sys_platform": sys.platform,
        },
    }
    sys.stdout.write("\n" + json.dumps(facts) + "\n")


main()
