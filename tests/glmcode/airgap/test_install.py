import ast
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.airgap import install as installer
from glmcode.airgap.install import InstallError, digest_of, install, opened, parse_manifest, unpack
from glmcode.airgap.pack import write_archive

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
FILES = {"install.py": b"print('hi')\n", "wheels/a-1-py3-none-any.whl": b"a" * 5000, "wheels/b-1.whl": b""}


def packed(folder: Path, files: dict[str, bytes] = FILES, **changes: str | None) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    image = "a:1" if "image.tar" in files else None
    write_archive(folder, list(files), folder / "a.tar", image=image, python=changes.get("python") or HERE)
    return folder / "a.tar"


def test_what_was_packed_comes_out_again(tmp_path: Path) -> None:
    archive = packed(tmp_path / "in")
    manifest = unpack(archive, tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES
    with opened(archive) as (_, again):
        assert again == manifest and manifest.python == HERE and manifest.image is None
    before = digest_of(archive)
    assert digest_of(packed(tmp_path / "in")) == before


def changed(archive: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Path:
    with tarfile.open(archive) as tar:
        entries = [(entry, stream.read() if (stream := tar.extractfile(entry)) else b"") for entry in tar]
    change(entries)
    with tarfile.open(archive, "w") as tar:
        for entry, content in entries:
            entry.size = len(content) if entry.isreg() else 0
            tar.addfile(entry, io.BytesIO(content))
    return archive


def named(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, to
    return entry


def listed(entries: list[tuple[tarfile.TarInfo, bytes]], name: str, kind: bytes = tarfile.REGTYPE) -> None:
    """A member that the manifest lists as well, as somebody would who wants it unpacked."""
    manifest = json.loads(entries[0][1])
    manifest["members"].append({"name": name, "size": 0, "sha256": hashlib.sha256(b"").hexdigest()})
    entries[0] = (entries[0][0], json.dumps(manifest).encode())
    entries.append((named(name, kind, "/etc"), b""))


TAMPERED: dict[str, Callable[[list[tuple[tarfile.TarInfo, bytes]]], object]] = {
    "another content": lambda entries: entries.__setitem__(2, (entries[2][0], b"b" * 5000)),
    "a shorter content": lambda entries: entries.__setitem__(2, (entries[2][0], b"a")),
    "a missing member": lambda entries: entries.pop(),
    "a further member": lambda entries: entries.append((named("wheels/c.whl"), b"")),
    "a member twice": lambda entries: entries.append((named("wheels/b-1.whl"), b"")),
    "the manifest twice": lambda entries: entries.append(entries[0]),
    "no manifest": lambda entries: entries.pop(0),
    "a folder above": lambda entries: listed(entries, "../evil.whl"),
    "a folder above, below wheels": lambda entries: listed(entries, "wheels/../../evil.whl"),
    "an absolute name": lambda entries: listed(entries, "/tmp/evil.whl"),
    "another place": lambda entries: listed(entries, "evil.py"),
    "a link": lambda entries: listed(entries, "wheels/link.whl", tarfile.SYMTYPE),
    "a hard link": lambda entries: listed(entries, "wheels/hard.whl", tarfile.LNKTYPE),
    "a folder": lambda entries: listed(entries, "wheels/folder.whl", tarfile.DIRTYPE),
    "a device": lambda entries: listed(entries, "wheels/device.whl", tarfile.CHRTYPE),
    "an image that nobody named": lambda entries: listed(entries, "image.tar"),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_an_archive_that_was_changed_is_refused_and_leaves_nothing(
    tmp_path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]
) -> None:
    archive = changed(packed(tmp_path / "in"), change)
    with pytest.raises(InstallError) as caught:
        install(archive, tmp_path / "there/glmcode", print)
    assert "holds no pip" not in str(caught.value)  # what comes after all checks
    assert not list((tmp_path / "there").glob("*")) and not (tmp_path / "evil.whl").exists()


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 10240])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(InstallError):
        install(tmp_path / "a.tar", tmp_path / "there", print)


def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    archive = packed(tmp_path / "in")
    data = archive.read_bytes()
    for length in range(0, 9000, 700):
        archive.write_bytes(data[:length])
        with pytest.raises(InstallError):
            install(archive, tmp_path / "there", print)


def test_an_archive_for_another_machine_names_the_right_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InstallError, match=r"run python3\.99"):
        install(packed(tmp_path / "in", python="3.99"), tmp_path / "there", print)
    archive = packed(tmp_path / "in")
    monkeypatch.setattr("sysconfig.get_platform", lambda: "plan9-mips")
    with pytest.raises(InstallError, match="this machine is plan9-mips"):
        install(archive, tmp_path / "there", print)


def test_the_hash_that_was_told_is_compared(tmp_path: Path) -> None:
    archive = packed(tmp_path / "in")
    with pytest.raises(InstallError, match="another sha256"):
        install(archive, tmp_path / "there", print, sha256="0" * 64)
    with pytest.raises(InstallError, match="no pip"):  # it got past the comparison
        install(archive, tmp_path / "there", print, sha256=digest_of(archive).upper())


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine").write_text("mine")
    with pytest.raises(InstallError, match="is there already"):
        install(packed(tmp_path / "in"), tmp_path / "there", print)
    assert (tmp_path / "there/mine").read_text() == "mine"


@pytest.mark.parametrize("tags", [["a:2"], ["a:1", "debian:12"], [], None])
def test_an_image_under_another_name_is_refused(tmp_path: Path, tags: list[str] | None) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = named("manifest.json")
        content = json.dumps([{"RepoTags": tags}]).encode()
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    (tmp_path / "image.tar").write_bytes(stream.getvalue())
    with pytest.raises(InstallError, match="other names"):
        installer._load_image(tmp_path / "image.tar", "a:1", tmp_path)


@given(st.binary(max_size=200) | st.recursive(_LEAVES := st.none() | st.integers() | st.floats() | st.text(max_size=5),
       lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
           ["kind", "v", "members", "name", "size", "sha256", "glmcode", "python", "platform", "image"]), inner)
       ).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_manifest_is_read_or_refused(text: bytes) -> None:
    try:
        parse_manifest(text)
    except InstallError:
        return


@pytest.mark.parametrize("size", ["1e999", "null", '"x"', "[]"])
def test_sizes_that_are_none_are_refused(size: str) -> None:
    member = f'{{"name": "install.py", "size": {size}, "sha256": ""}}'
    rest = '"kind": "airgap_archive", "v": 1, "glmcode": "1", "python": "3.11", "platform": "x", "image": null'
    with pytest.raises(InstallError):
        parse_manifest(f'{{{rest}, "members": [{member}]}}'.encode())


def test_the_copy_in_the_archive_runs_alone_and_tells_in_one_line(tmp_path: Path) -> None:
    source = Path(installer.__file__)
    imported = [
        node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    tops = {(n.module or "" if isinstance(n, ast.ImportFrom) else n.names[0].name).partition(".")[0] for n in imported}
    assert tops <= sys.stdlib_module_names
    shutil.copy(source, tmp_path / "install.py")
    archive = changed(packed(tmp_path / "in"), TAMPERED["another content"])  # type: ignore[arg-type]
    command = [sys.executable, "-I", "-S", "install.py", str(archive), "--into", "there"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "glmcode: wheels/a-1-py3-none-any.whl is not what was packed: copy the archive again\n"
    assert not (tmp_path / "there").exists()
