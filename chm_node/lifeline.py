"""A process that does not outlive the one that started it, however that one ended. Linux only."""

import ctypes
import os
import signal

from chm_node.errors import ChmError

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have the kernel tell this process to stop (SIGTERM) once the thread that started it has ended.

    Raises ChmError when the parent, named by its process id, has ended before.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # The kernel tells nothing of what happened before it was asked.
    if os.getppid() != parent:
        raise ChmError("the process that started this one has ended")
