"""Which file systems tell nobody what others change in them (dependencies.md, "watching")."""

from __future__ import annotations

import ctypes
import os
import sys

_SILENT = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFE534D42: "SMB",
    0xFF534D42: "CIFS",
    0x65735546: "FUSE",
    0x01021997: "9P",
    0x00C36400: "CephFS",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x73757245: "Coda",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x01161970: "GFS2",
    0x7461636F: "OCFS2",
    0x786F4256: "VirtualBox",
    0xBACBACBC: "VMware",
    0x19830326: "BeeGFS",
}
"""By the magic numbers of statfs(2): what the other side writes there sends no event."""

_ROOM = 1024
"""Bytes, several times what any system's ``struct statfs`` has."""


def silent(path: os.PathLike[str]) -> str | None:
    """The name of the file system at ``path``, when its events cannot be relied on; else None.

    Asked of Linux alone: `os.statvfs` does not say what kind it is. Elsewhere, and when the kernel
    does not answer, None.
    """
    if not sys.platform.startswith("linux"):
        return None
    answer = ctypes.create_string_buffer(_ROOM)
    if ctypes.CDLL(None).statfs(os.fsencode(path), answer) != 0:
        return None
    kind = ctypes.c_long.from_buffer(answer).value & 0xFFFFFFFF
    return _SILENT.get(kind)
