import json
from pathlib import Path

import pytest

from glmcode.context.files import ContextError
from glmcode.context.pack import pack
from glmcode.context.pins import Pins
from glmcode.context.record import ContextPack
from tests.cli import CommandLine
from tests.glmcode.context.conftest import Commit, Write, git

TASK = "refund_total of an order is wrong"


def paths(packed: ContextPack) -> list[str]:
    return [file.path for file in packed.files]


@pytest.fixture
def shop(repo: Path, write: Write, commit: Commit) -> Path:
    for n in range(30):
        write({f"shop/part_{n}.py": f"def part_{n}(x):\n    return x\n\n\n" * 8})
    write({"shop/refund.py": "def refund_total(order):\n    return order\n"})
    write({"far/away.py": "".join(f"def step_{n}(x):\n    return x + {n}\n\n\n" for n in range(60))})
    commit("add the shop")
    return repo


def test_a_pinned_file_is_in_the_pack_whole_and_first_and_says_so(shop: Path) -> None:
    assert "far/away.py" not in paths(pack(shop, TASK, 3000))
    packed = pack(shop, TASK, 3000, Pins(pinned=("far/away.py",)))
    assert paths(packed)[0] == "far/away.py"
    assert packed.files[0].ranges is None
    assert packed.files[0].why.startswith("pinned by you")
    assert "shop/refund.py" in paths(packed)
    assert (shop / "far/away.py").read_text() in packed.text


def test_of_a_pin_with_lines_comes_what_they_touch(shop: Path) -> None:
    [file] = [
        file for file in pack(shop, TASK, 250, Pins(pinned=("./far/away.py:42-45",))).files if "away" in file.path
    ]
    assert file.ranges is not None
    covered = {line for first, last in file.ranges for line in range(first, last + 1)}
    assert {42, 43, 44, 45} <= covered and len(covered) < 30


def test_a_pinned_file_that_does_not_fit_comes_in_part(shop: Path) -> None:
    packed = pack(shop, TASK, 500, Pins(pinned=("far/away.py",)))
    assert packed.files[0].path == "far/away.py" and packed.files[0].ranges
    assert packed.tokens <= 500


def test_a_pin_of_which_nothing_fits_is_told(shop: Path, write: Write) -> None:
    write({"long.py": "x = '" + "refund order " * 400 + "'\n"})
    packed = pack(shop, TASK, 300, Pins(pinned=("long.py",)))
    assert "long.py" not in paths(packed)
    assert packed.left_out["pinned, but nothing of it fits"] == 1


def test_dropped_files_and_folders_stay_out(shop: Path) -> None:
    assert "shop/refund.py" in paths(pack(shop, TASK, 3000))
    assert "shop/refund.py" not in paths(pack(shop, TASK, 3000, Pins(dropped=("shop/refund.py",))))
    assert not any(path.startswith("shop/") for path in paths(pack(shop, TASK, 3000, Pins(dropped=("shop/",)))))
    assert "shop/refund.py" in paths(pack(shop, TASK, 3000, Pins(dropped=("sho",))))


def test_what_is_dropped_does_not_have_to_be_read_again(shop: Path) -> None:
    pack(shop, TASK, 3000, Pins(dropped=("shop/refund.py",)))
    assert pack(shop, TASK, 3000).text == pack(shop, TASK, 3000).text
    assert "shop/refund.py" in paths(pack(shop, TASK, 3000))


def test_open_files_and_their_neighbours_are_likelier(shop: Path, write: Write, commit: Commit) -> None:
    write({"shop/part_7.py": "def part_7(x):\n    return 1\n", "lib/tax.py": "def tax(x):\n    return 1\n"})
    commit("adapt both")
    before, after = pack(shop, TASK, 2000), pack(shop, TASK, 2000, Pins(open=("lib/tax.py",)))
    score, raised = ({file.path: file.score for file in packed.files} for packed in (before, after))
    assert raised["lib/tax.py"] > 2 * score["lib/tax.py"]
    assert raised["shop/part_7.py"] / raised["shop/part_3.py"] > 1.3 * score["shop/part_7.py"] / score["shop/part_3.py"]
    whys = {file.path: file.why for file in after.files}
    assert whys["lib/tax.py"].startswith("open") and "near what you have open" in whys["shop/part_7.py"]


def test_what_git_ignores_can_be_pinned(shop: Path, write: Write) -> None:
    write({".gitignore": "local.cfg\n", "local.cfg": "refund = yes\n"})
    assert "refund = yes" in pack(shop, TASK, 2000, Pins(pinned=("local.cfg",))).text


@pytest.mark.parametrize("pin", ["none.py", "../outside.py", "/etc/hostname", "link.py", "shop", "blob.bin", "a\x1bb"])
def test_a_pin_on_what_is_no_file_of_the_repository_is_refused(shop: Path, pin: str) -> None:
    (shop.parent / "outside.py").write_text("secret = 1\n")
    (shop / "link.py").symlink_to("../outside.py")
    (shop / "blob.bin").write_bytes(b"\0\1\2")
    with pytest.raises(ContextError, match="no text file of this repository") as caught:
        pack(shop, TASK, 2000, Pins(pinned=(pin,)))
    assert "\x1b" not in str(caught.value)


def test_a_name_with_a_colon_is_taken_as_it_stands(shop: Path, write: Write) -> None:
    write({"notes:3": "refund policy\n"})
    git(shop, "add", "-A")
    assert "notes:3" in paths(pack(shop, TASK, 2000, Pins(pinned=("notes:3",))))


async def test_pins_come_from_the_command_line(shop: Path, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    what = ["pack", "--repo", str(shop), "--task", TASK, "--budget", "3000", "--format", "json"]
    done = await line.run(*what, "--pin", "far/away.py:1-4", "--pin", "shop/part_3.py", "--drop", "shop/refund.py")
    packed = [file["path"] for file in json.loads(done.stdout)["files"]]
    assert packed[:2] == ["far/away.py", "shop/part_3.py"]
    assert "shop/refund.py" not in packed
    refused = await line.run(*what, "--pin", "nothing.py")
    assert refused.code == 2 and "nothing.py" in refused.ending
