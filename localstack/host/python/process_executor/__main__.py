"""Runs LocalStack:  python -m process_executor FOLDER [--until-input-ends]

FOLDER is not read: it tells this process from others in the list of processes. What does not fit this version of
LocalStack ends the start here, where LocalStack's own plugin loader would only write a line into its log.
"""
import os
import signal
import sys
import threading
import time

from localstack.runtime.main import main

from . import executor, patches  # noqa: F401  both must import

STOP_SECONDS = 10


def until_input_ends():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.killpg(os.getpgid(0), signal.SIGKILL)


if "--until-input-ends" in sys.argv:
    threading.Thread(target=until_input_ends, daemon=True).start()
patches.apply()
main()
