"""Runs beside doctor: removes the folder it is given once doctor has ended, however it has: its standard input ends then."""

import os
import shutil
import signal
import sys
import time


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder = sys.argv[1]
    sys.stdin.buffer.read()
    for _ in range(50):  # what is killed together with doctor may still write
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
