"""Stops a child process at chosen system calls: to count them, to kill there, to let them fail.

A seccomp filter in the child stops it before the calls that are watched and at no others, so a run
costs hardly more than without. Needs Linux, and nothing that would have to be installed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeAlias

Act: TypeAlias = "int | Callable[[], None] | None"
"""What becomes of a call: an error number, something done before it, or nothing."""


class Machine(NamedTuple):
    """What differs between processors: audit number, calls, and where registers lie (in words)."""

    audit: int
    calls: dict[str, int]
    words: int
    number: int
    arguments: tuple[int, ...]
    answer: int


_X86_64 = Machine(
    0xC000003E,
    {
        "read": 0, "write": 1, "open": 2, "pread64": 17, "pwrite64": 18, "writev": 20,
        "fcntl": 72, "flock": 73, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "rename": 82,
        "mkdir": 83, "link": 86, "unlink": 87, "fchmod": 91, "fchown": 93, "getdents64": 217,
        "openat": 257, "mkdirat": 258, "newfstatat": 262, "unlinkat": 263, "renameat": 264,
        "linkat": 265, "syncfs": 306, "fallocate": 285, "renameat2": 316,
        "sendto": 44, "recvfrom": 45,
    },
    27, 15, (14, 13, 12, 7, 9), 10,
)  # fmt: skip
_AARCH64 = Machine(
    0xC00000B7,
    {
        "fcntl": 25, "flock": 32, "mkdirat": 34, "unlinkat": 35, "linkat": 37, "renameat": 38,
        "ftruncate": 46, "fallocate": 47, "fchmod": 52, "fchown": 55, "openat": 56,
        "getdents64": 61, "read": 63, "write": 64, "writev": 66, "pread64": 67, "pwrite64": 68,
        "newfstatat": 79, "fsync": 82, "fdatasync": 83, "sendto": 206, "recvfrom": 207,
        "renameat2": 276, "syncfs": 267,
    },
    34, 8, (0, 1, 2, 3, 4), 0,
)  # fmt: skip
MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}

_ENDS = {"openat": 0, "mkdirat": 0, "newfstatat": 0, "unlinkat": 0, "linkat": 2, "renameat": 2,
         "renameat2": 2}  # fmt: skip
"""Calls that name a file by folder and name: where both stand; of two names the new one."""
_NAMED = {"open": 0, "mkdir": 0, "unlink": 0, "rename": 1, "link": 1}

_HERE = -100
_ALL = 0x40000000
_SEIZE, _CONTINUE, _LISTEN, _GET, _SET = 0x4206, 7, 0x4208, 0x4204, 0x4205
_OPTIONS = 0x100000 | 0x80 | 0x8 | 0x4 | 0x2  # kill at exit; seccomp, clone, vfork, fork
_SECCOMP, _STOP = 7, 128
_PRSTATUS, _ARM_CALL = 1, 0x404
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class Call(NamedTuple):
    """A watched system call and the file it is about (``socket:…`` of a connection)."""

    name: str
    path: str


def machine() -> Machine:
    """The numbers of this machine; raises `OSError` where they are not known."""
    found = MACHINES.get(platform.machine())
    if found is None:
        raise OSError(errno.ENOSYS, f"no numbers of system calls for {platform.machine()}")
    return found


def watch_me(names: Sequence[str]) -> None:
    """In the child, which is traced already: stop before every call of these names."""
    here = machine()
    numbers = [here.calls[name] for name in names if name in here.calls]
    load, equal, give = 0x20, 0x15, 0x06
    code = [(load, 0, 0, 4), (equal, 1, 0, here.audit), (give, 0, 0, 0x7FFF0000), (load, 0, 0, 0)]
    code += [(equal, len(numbers) - n, 0, number) for n, number in enumerate(numbers)]
    code += [(give, 0, 0, 0x7FFF0000), (give, 0, 0, 0x7FF00000)]
    packed = b"".join(struct.pack("HBBI", *one) for one in code)
    kept = ctypes.create_string_buffer(packed)
    program = _Program(len(code), ctypes.addressof(kept))
    if _LIBC.prctl(38, 1, 0, 0, 0) or _LIBC.prctl(22, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the filter of system calls is refused")


def seize(pid: int) -> None:
    """Begin to trace a child that waits for it."""
    _ptrace(_SEIZE, pid, 0, _OPTIONS)


def follow(pid: int, decide: Callable[[Call], Act]) -> int:
    """Let a child run to its end, asking about every watched call; returns its wait status."""
    while True:
        tid, status = os.waitpid(-1, _ALL)
        if not os.WIFSTOPPED(status):
            if tid == pid:
                return status
            continue
        event, number = status >> 16, os.WSTOPSIG(status)
        with suppress(ProcessLookupError):  # killed meanwhile
            if event == _SECCOMP:
                _stopped(tid, decide)
            quiet = event or number == signal.SIGTRAP
            listening = event == _STOP and number != signal.SIGTRAP
            _ptrace(_LISTEN if listening else _CONTINUE, tid, 0, 0 if quiet else number)


def _stopped(tid: int, decide: Callable[[Call], Act]) -> None:
    here = machine()
    words = _registers(tid, here)
    act = decide(_call(tid, here, words))
    if callable(act):
        act()
    elif act is not None:
        words[here.answer] = -act
        if here is _X86_64:
            words[here.number] = -1
        else:
            nothing = ctypes.c_int(-1)
            vector = _Vector(ctypes.addressof(nothing), ctypes.sizeof(nothing))
            _ptrace(_SET, tid, _ARM_CALL, ctypes.addressof(vector))
        vector = _Vector(ctypes.addressof(words), ctypes.sizeof(words))
        _ptrace(_SET, tid, _PRSTATUS, ctypes.addressof(vector))


def _registers(tid: int, here: Machine) -> ctypes.Array[ctypes.c_long]:
    words = (ctypes.c_long * here.words)()
    vector = _Vector(ctypes.addressof(words), ctypes.sizeof(words))
    _ptrace(_GET, tid, _PRSTATUS, ctypes.addressof(vector))
    return words


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _LIBC.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")


def _call(tid: int, here: Machine, words: Sequence[int]) -> Call:
    name = next(name for name, one in here.calls.items() if one == words[here.number])
    given = [words[index] for index in here.arguments]
    if name in _NAMED:
        return Call(name, _joined(tid, _HERE, given[_NAMED[name]]))
    if name in _ENDS:
        return Call(name, _joined(tid, given[_ENDS[name]], given[_ENDS[name] + 1]))
    return Call(name, _place(tid, given[0]))


def _place(tid: int, descriptor: int) -> str:
    short = ctypes.c_int(descriptor).value
    link = "cwd" if short == _HERE else f"fd/{short}"
    with suppress(OSError):
        return os.readlink(f"/proc/{tid}/{link}")  # noqa: PTH115 - text, as it stands there
    return ""


def _joined(tid: int, folder: int, address: int) -> str:
    name = b"".join(_memory(tid, address))
    return os.path.join(_place(tid, folder), os.fsdecode(name)).rstrip("/")  # noqa: PTH118 - not of this process


def _memory(tid: int, address: int) -> Iterator[bytes]:
    """The text at an address, up to its NUL, page by page."""
    with open(f"/proc/{tid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123 - neither
        while True:
            memory.seek(address)
            part = memory.read(4096 - address % 4096)
            yield part.partition(b"\0")[0]
            if b"\0" in part or not part:
                return
            address += len(part)
