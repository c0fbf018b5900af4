"""What bounds the worker's memory: its threads share one heap, and its sources share what is read ahead."""

import subprocess
import sys
from contextlib import ExitStack

from harvest.readers import Readers

PROGRAM = """
import ctypes, sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from chm_node.worker import settle_memory
if sys.argv[1] == "shared":
    settle_memory()
libc, together = ctypes.CDLL(None), Barrier(4)
def allocate(_):
    libc.malloc(50_000)
    together.wait()
with ThreadPoolExecutor(4) as threads:
    list(threads.map(allocate, range(4)))
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def heaps(how):
    command = [sys.executable, "-c", PROGRAM, how]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.count("<heap nr")


def test_threads_settle_memory():
    assert heaps("as it is") > 1
    assert heaps("shared") == 1


def test_sources_that_are_read_at_once_share_what_is_read_ahead():
    with Readers() as readers, ExitStack() as at_once:
        found = []
        for _ in range(4):
            at_once.enter_context(readers.shared())
            found.append(readers.ahead)
        at_once.close()
        assert (found, readers.ahead) == ([2, 1, 0, 0], 2)
