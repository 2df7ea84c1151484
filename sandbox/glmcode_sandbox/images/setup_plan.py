"""What a repository needs installed before its tests run, read from its lock and project files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glmcode_sandbox.images.python_project import PythonProject, read_python_project

PLACE = "/opt/glmcode"
VENV = f"{PLACE}/venv"
# Nothing of the system's packages: their scripts would run the system's Python, which knows none of these.
_MAKE_VENV = f"python3 -m venv {VENV}"
# Where a person names the commands, the image's own pytest may be all there is.
_MAKE_SHARED_VENV = f"python3 -m venv --system-site-packages {VENV}"
_PYTEST_SCRIPT = (
    f"if [ ! -e {VENV}/bin/pytest ] && {VENV}/bin/python -c 'import pytest' 2>/dev/null; then"
    f" printf '#!{VENV}/bin/python\\nimport pytest\\nraise SystemExit(pytest.console_main())\\n' > {VENV}/bin/pytest;"
    f" chmod 755 {VENV}/bin/pytest; fi"
)
_PIP = f"{VENV}/bin/python -m pip install"


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One shell command of a setup, run as root in the repository's folder."""

    command: str
    why: str
    needs: str | None = None
    """A program; the step is left out where the image has none."""


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """The commands that make a setup layer, and what they depend on."""

    steps: tuple[SetupStep, ...] = ()
    files: tuple[str, ...] = ()
    """Relative paths of the files they read; the layer is made anew when one changes."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that later commands need to find what was installed."""
    notes: tuple[str, ...] = ()
    """What is not covered, one line for people each."""

    @property
    def commands(self) -> tuple[str, ...]:
        return tuple(step.command for step in self.steps)


def commands_plan(commands: Sequence[str], files: Sequence[str] = ()) -> SetupPlan:
    """A plan of commands that a person wrote down; `files` are the relative paths they read.

    `pip` and `python3` are those of a Python environment at `/opt/glmcode/venv`, where the image has Python; that and
    programs below `/opt/glmcode/bin` are found afterwards.
    """
    if not commands:
        return SetupPlan()
    steps = [SetupStep(_MAKE_SHARED_VENV, "for what the commands install with pip", "python3")]
    steps += [SetupStep(command, "from the configuration") for command in commands]
    steps += [SetupStep(_PYTEST_SCRIPT, "so that pytest knows what was installed", "python3")]
    return SetupPlan(tuple(steps), tuple(files))


def detect_setup(repo: Path) -> SetupPlan:
    """The plan for the repository at `repo`, from the files at its top. Nothing of it is executed; never raises."""
    parts = [part for part in (_python(repo), _go(repo), _rust(repo), _java(repo), _node(repo)) if part is not None]
    return SetupPlan(
        steps=tuple(step for part in parts for step in part.steps),
        files=tuple(name for part in parts for name in part.files),
        environment=tuple(pair for part in parts for pair in part.environment),
        notes=tuple(note for part in parts for note in part.notes),
    )


def _python(repo: Path) -> SetupPlan | None:
    project = read_python_project(repo)
    if not project.files:
        return None
    source = ", ".join(project.files[:4])
    steps = [SetupStep(_MAKE_VENV, f"Python project ({source})", "python3")]
    steps += _locked(project) if project.locked else _resolved(project)
    return SetupPlan(tuple(steps), project.files, notes=project.notes)


def _locked(project: PythonProject) -> list[SetupStep]:
    export = f"{VENV}/bin/uv export --quiet --frozen --no-hashes --no-emit-project --all-extras --all-groups"
    steps = [
        SetupStep(f"{_PIP} uv", "uv.lock", "python3"),
        SetupStep(f"{export} --output-file {PLACE}/locked.txt", "the versions of uv.lock", "python3"),
        SetupStep(f"{_PIP} -r {PLACE}/locked.txt", "the versions of uv.lock", "python3"),
    ]
    if project.installable:
        steps.append(SetupStep(f"{_PIP} --no-deps -e .", "the project itself", "python3"))
    if project.pytest:
        steps.append(SetupStep(f"{_PIP} pytest", "the tests run under pytest", "python3"))
    return steps


def _resolved(project: PythonProject) -> list[SetupStep]:
    extras = f"[{','.join(project.extras)}]" if project.extras else ""
    wanted = [f"-e '.{extras}'"] if project.installable else []
    wanted += [f"-r {quoted(name)}" for name in project.requirement_files]
    wanted += [quoted(requirement) for requirement in project.requirements]
    wanted += ["pytest"] if project.pytest else []
    return [SetupStep(f"{_PIP} {' '.join(wanted)}", "the project and what its tests need", "python3")] if wanted else []


def quoted(word: str) -> str:
    """A word for a shell. Untrusted names come through here."""
    return "'" + word.replace("'", "'\\''") + "'"


def _go(repo: Path) -> SetupPlan | None:
    if not (repo / "go.mod").is_file():
        return None
    step = SetupStep(f"GOMODCACHE={PLACE}/go GOFLAGS=-modcacherw go mod download", "Go module (go.mod)", "go")
    environment = (("GOMODCACHE", f"{PLACE}/go"), ("GOPROXY", "off"), ("GOCACHE", "/tmp/go-build"))
    return SetupPlan((step,), _present(repo, "go.mod", "go.sum"), environment)


def _rust(repo: Path) -> SetupPlan | None:
    if not (repo / "Cargo.lock").is_file():
        return None
    step = SetupStep(f"CARGO_HOME={PLACE}/cargo cargo fetch --locked", "Rust crates (Cargo.lock)", "cargo")
    environment = (("CARGO_HOME", f"{PLACE}/cargo"), ("CARGO_NET_OFFLINE", "true"))
    return SetupPlan((step,), _present(repo, "Cargo.toml", "Cargo.lock"), environment)


def _java(repo: Path) -> SetupPlan | None:
    if (repo / "pom.xml").is_file():
        settings = f"-Dmaven.repo.local={PLACE}/m2"
        step = SetupStep(f"mvn --batch-mode --quiet {settings} dependency:go-offline", "Maven project (pom.xml)", "mvn")
        return SetupPlan((step,), ("pom.xml",), (("MAVEN_ARGS", f"--offline {settings}"),))
    found = _present(repo, "build.gradle", "build.gradle.kts")
    if not found:
        return None
    return SetupPlan(notes=(f"{found[0]}: Gradle keeps its packages beside its locks; name commands in `setup`",))


def _node(repo: Path) -> SetupPlan | None:
    found = _present(repo, "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "package.json")
    if not found:
        return None
    if (repo / "node_modules").is_dir():
        return None
    install = {"pnpm-lock.yaml": "pnpm install --frozen-lockfile", "yarn.lock": "yarn install --immutable"}
    command = install.get(found[0], "npm ci" if found[0] == "package-lock.json" else "npm install")
    note = f"{found[0]}: Node packages live in the tree; run `{command}` there once, and every workspace has them"
    return SetupPlan(notes=(note,))


def _present(repo: Path, *candidates: str) -> tuple[str, ...]:
    return tuple(name for name in candidates if (repo / name).is_file())
