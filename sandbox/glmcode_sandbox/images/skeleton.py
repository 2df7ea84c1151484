"""A root folder that borrows the host's programs: empty folders, links and the few settings that programs need."""

import io
import os
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

_FOLDERS = ("dev", "etc", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "usr", "var", "var/lib")
_OPEN_FOLDERS = ("tmp", "var/tmp")
_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = (
    *("alternatives", "bash.bashrc", "ca-certificates.conf", "crypto-policies", "debian_version", "fonts", "host.conf"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "lsb-release", "magic", "magic.mime"),
    *("mime.types", "nsswitch.conf", "os-release", "perl", "pki/ca-trust/extracted", "pki/tls/certs"),
    *("pki/tls/cert.pem", "protocols", "redhat-release", "services", "shells", "ssl/certs", "ssl/openssl.cnf"),
    *("terminfo", "timezone"),
)
_ETC_PATTERNS = ("java-*", "python3*")
_SECRET_PARTS = ("private", "shadow", "key", "password", "secret")
_MAX_FILE_BYTES = 4 * 1024 * 1024


def host_mounts() -> list[str]:
    """The folders of the host that an image from the skeleton needs, read-only at their own paths."""
    found = ["/usr", *(f"/{name}" for name in _LINKS if _is_folder(Path("/", name)))]
    prefix = Path(sys.base_prefix)
    if not prefix.is_relative_to("/usr") and prefix not in (Path("/"), Path.home()):
        found.append(str(prefix))
    return found


def program_folder() -> str | None:
    """Where this program's own Python is, if that is not among the system's."""
    mounts = host_mounts()
    return f"{sys.base_prefix}/bin" if sys.base_prefix in mounts else None


def make_skeleton() -> bytes:
    """The tar of the root folder: no program, no secret, less than a megabyte or two."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in _FOLDERS:
            _add_folder(tar, name, 0o755)
        for name in _OPEN_FOLDERS:
            _add_folder(tar, name, 0o1777)
        for name in _LINKS:
            path = Path("/", name)
            if path.is_symlink():
                _add_link(tar, name, os.readlink(path))  # noqa: PTH115
            elif path.is_dir():
                _add_folder(tar, name, 0o755)
        _add_file(tar, "etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n")
        _add_file(tar, "etc/passwd", _accounts(Path("/etc/passwd"), 7))
        _add_file(tar, "etc/group", _accounts(Path("/etc/group"), 4))
        for path in _settings():
            _add_setting(tar, path)
    return stream.getvalue()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _settings() -> Iterator[Path]:
    etc = Path("/etc")
    roots = [etc / name for name in _ETC] + [path for pattern in _ETC_PATTERNS for path in sorted(etc.glob(pattern))]
    for root in roots:
        if _is_folder(root):
            for folder, folders, files in os.walk(root):
                folders.sort()
                links = [name for name in folders if Path(folder, name).is_symlink()]
                yield from (Path(folder, name) for name in sorted([*files, *links]))
        elif os.path.lexists(root):
            yield root


def _add_setting(tar: tarfile.TarFile, path: Path) -> None:
    name = str(path.relative_to("/"))
    if any(word in part.lower() for part in path.parts[2:] for word in _SECRET_PARTS):
        return
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            _add_link(tar, name, os.readlink(path))  # noqa: PTH115
        elif stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_FILE_BYTES and status.st_mode & stat.S_IROTH:
            # What not everybody on the host may read is nobody's business inside.
            _add_file(tar, name, path.read_bytes())
    except OSError:
        return


def _accounts(path: Path, fields: int) -> bytes:
    """Names and numbers of the host's accounts, without password hashes and real names."""
    lines = []
    for line in path.read_text(errors="replace").splitlines():
        values = line.split(":")
        if len(values) == fields:
            values[1] = "x"
            if fields == 7:
                values[4] = ""
            lines.append(":".join(values))
    return ("\n".join(lines) + "\n").encode()


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info)


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    tar.addfile(info)


def _add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    tar.addfile(info, io.BytesIO(content))
