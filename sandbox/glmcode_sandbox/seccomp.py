"""A filter of system calls for bubblewrap: what no namespace separates, and what serves attackers of the kernel."""

import platform
import struct

# seccomp_data, linux/seccomp.h: the number of the call at 0, the architecture at 4, the first argument at 16.
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
"""BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_JMP|BPF_JGE|BPF_K, BPF_RET|BPF_K."""
_ALLOWED, _REFUSED = 0x7FFF0000, 0x00050001
"""SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM, which is what Docker's own filter gives."""
_X32 = 0x40000000
"""Numbers from here on are the same calls for a third kind of program on x86-64, which nobody has."""

_VSOCK = 40
"""AF_VSOCK: sockets to the machine that this virtual machine runs on, whatever network namespace one is in."""

# The person's keyrings are not in any namespace: add_key, request_key, keyctl. Then bpf, perf_event_open, userfaultfd,
# and io_uring_setup, which opens sockets past every filter. On i386 also socketcall, whose arguments cannot be seen.
# Numbers: the kernel's arch/*/syscalls tables and include/uapi/asm-generic/unistd.h; keys: linux/audit.h.
_CALLS = {
    0xC000003E: (248, 249, 250, 321, 298, 323, 425),  # x86-64
    0x40000003: (286, 287, 288, 357, 336, 374, 425, 102),  # i386
    0xC00000B7: (217, 218, 219, 280, 241, 282, 425),  # aarch64
    0x40000028: (309, 310, 311, 386, 364, 388, 425),  # arm
    0xC00000F3: (217, 218, 219, 280, 241, 282, 425),  # riscv64
}
_SOCKET = {0xC000003E: 41, 0x40000003: 359, 0xC00000B7: 198, 0x40000028: 281, 0xC00000F3: 198}
_MACHINES = {
    "x86_64": (0xC000003E, 0x40000003),
    "aarch64": (0xC00000B7, 0x40000028),
    "riscv64": (0xC00000F3,),
}


def call_filter(machine: str | None = None) -> bytes | None:
    """The program for `bwrap --seccomp`; None for a machine whose numbers are not known here."""
    architectures = _MACHINES.get(machine or platform.machine())
    if architectures is None:
        return None
    program = [_step(_LOAD, _ARCHITECTURE)]
    for architecture in architectures:
        block = _block(architecture)
        program += [_step(_EQUAL, architecture, 0, len(block)), *block]
    return b"".join([*program, _step(_RETURN, _REFUSED)])


def _block(architecture: int) -> list[bytes]:
    tests = [(_EQUAL, number) for number in _CALLS[architecture]]
    if architecture == 0xC000003E:
        tests.append((_AT_LEAST, _X32))
    ending = [
        _step(_EQUAL, _SOCKET[architecture], 0, 2),
        _step(_LOAD, _FIRST),
        _step(_EQUAL, _VSOCK, 1, 0),
        _step(_RETURN, _ALLOWED),
        _step(_RETURN, _REFUSED),
    ]
    # A jump counts what it skips: the tests after it and the ending but for its last step.
    jumps = [_step(code, number, len(tests) - at + len(ending) - 2) for at, (code, number) in enumerate(tests)]
    return [_step(_LOAD, _NUMBER), *jumps, *ending]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
