"""Which changed paths deserve a warning: files that git, hooks, editors or shells of the person act upon."""

from collections.abc import Iterable

_NAMES = frozenset(
    (".git", ".gitmodules", ".gitattributes", ".gitconfig", ".envrc", ".pre-commit-config.yaml", ".mise.toml")
)
_FOLDERS = frozenset((".git", ".vscode", ".idea", ".husky", ".glmcode", ".githooks", ".devcontainer", ".zed", ".fleet"))
_ENDINGS = (".code-workspace", "lefthook.yml", "lefthook.yaml", "lefthook.toml", "lefthook.json")
_AUTOMATION = ((".github", "workflows"), (".github", "actions"))


def protected(paths: Iterable[str], hook_paths: Iterable[str] = ()) -> list[str]:
    """Those of `paths` (relative, as git writes them) that run or configure something on the person's machine.

    `hook_paths` are further files or folders that the repository's git configuration points to. Letter case does
    not count, since it does not everywhere the tree may be checked out.
    """
    listed = list(paths)
    hooks = tuple(path.lower().strip("/") for path in hook_paths)
    bare = {path.rpartition("/")[0] for path in listed if path.rpartition("/")[2] == "HEAD"}
    return [path for path in listed if _acts(path.lower(), hooks) or _in_bare_repository(path, bare)]


def _acts(path: str, hooks: tuple[str, ...]) -> bool:
    *folders, name = path.split("/")
    if name in _NAMES or name.endswith(_ENDINGS):
        return True
    if any(folder in _FOLDERS for folder in folders) or name in _FOLDERS:
        return True
    if tuple(folders[:2]) in _AUTOMATION:
        return True
    return any(path == hook or path.startswith(f"{hook}/") for hook in hooks)


def _in_bare_repository(path: str, bare: set[str]) -> bool:
    # A folder with HEAD, config and hooks is a repository to git even without the name `.git`.
    folder, _, name = path.rpartition("/")
    return folder in bare and name in ("HEAD", "config")
