import csv
import hashlib
import importlib.metadata
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from glmcode.airgap.wheels import PackError, repack
from tests.sandbox.repositories import write

INFO = "thing-1.0.dist-info"
RECORDED = ("thing/__init__.py", f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/entry_points.txt")
LEFT_OUT = (f"{INFO}/RECORD", f"{INFO}/INSTALLER", f"{INFO}/direct_url.json", "thing/__pycache__/x.pyc", "../bin/thing")


def installed(
    folder: Path, *, wheel: str = "Wheel-Version: 1.0\nTag: py3-none-any\n"
) -> importlib.metadata.Distribution:
    site = folder / "site"
    write(site, dict.fromkeys((*RECORDED, *LEFT_OUT), "x\n"))
    write(site, {f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n", f"{INFO}/WHEEL": wheel})
    write(site, {f"{INFO}/RECORD": "".join(f"{name},,\n" for name in (*RECORDED, *LEFT_OUT))})
    return importlib.metadata.Distribution.at(site / INFO)


def test_a_wheel_is_made_again_of_what_was_installed(tmp_path: Path) -> None:
    made = repack(installed(tmp_path), tmp_path)
    assert made.name == "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made) as wheel:
        assert set(wheel.namelist()) == {*RECORDED, f"{INFO}/RECORD"}
        rows = {row[0]: row[1:] for row in csv.reader(wheel.read(f"{INFO}/RECORD").decode().splitlines())}
        for name in RECORDED:
            data = wheel.read(name)
            digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert rows[name] == [f"sha256={digest}", str(len(data))]
        assert rows[f"{INFO}/RECORD"] == ["", ""]


def test_the_same_installation_gives_the_same_wheel(tmp_path: Path) -> None:
    distribution = installed(tmp_path)
    first = repack(distribution, tmp_path).read_bytes()
    assert repack(distribution, tmp_path).read_bytes() == first


def test_an_installation_that_does_not_say_what_it_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="install glmcode again"):
        repack(installed(tmp_path, wheel=""), tmp_path)
