import struct

import pytest

from glmcode_sandbox.seccomp import call_filter

X86_64, I386, AARCH64, ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028
ALLOWED, REFUSED = 0x7FFF0000, 0x00050001


def answer(program: bytes, architecture: int, number: int, first: int = 1) -> int:
    """What the kernel's interpreter would return."""
    steps = list(struct.iter_unpack("=HBBI", program))
    at, held = 0, 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        match code:
            case 0x20:
                held = {0: number, 4: architecture, 16: first}[value]
            case 0x15:
                at += if_true if held == value else if_false
            case 0x35:
                at += if_true if held >= value else if_false
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(code)


@pytest.mark.parametrize(
    ("machine", "architecture", "socket", "refused"),
    [
        ("x86_64", X86_64, 41, {248, 249, 250, 298, 321, 323, 425, 0x40000000, 0x40000000 + 250}),
        ("x86_64", I386, 359, {286, 287, 288, 336, 357, 374, 425, 102}),
        ("aarch64", AARCH64, 198, {217, 218, 219, 241, 280, 282, 425}),
        ("aarch64", ARM, 281, {309, 310, 311, 364, 386, 388, 425}),
    ],
)
def test_refuses_these_calls_and_no_others(machine: str, architecture: int, socket: int, refused: set[int]) -> None:
    program = call_filter(machine)
    assert program is not None
    asked = {*range(600), *refused}
    assert {number for number in asked if answer(program, architecture, number) == REFUSED} == refused
    assert all(answer(program, architecture, number) == ALLOWED for number in asked - refused)
    vsock = {number for number in asked - refused if answer(program, architecture, number, 40) == REFUSED}
    assert vsock == {socket}


def test_programs_for_another_machine_may_call_nothing() -> None:
    program = call_filter("x86_64")
    assert program is not None and answer(program, AARCH64, 0) == REFUSED
    assert call_filter("sparc64") is None
