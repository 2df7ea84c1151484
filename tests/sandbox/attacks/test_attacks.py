import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.accounts import made_account, made_image, program_of
from tests.cli import host_image
from tests.sandbox.attacks.entry import PLACES, AttackClass, Entry, Place, attack_classes
from tests.sandbox.attacks.host import Host
from tests.sandbox.attacks.own_daemon import make_image, own_daemon
from tests.sandbox.attacks.runner import Attacker

CLASSES = attack_classes()
ENTRIES = [entry for each in CLASSES for entry in each.entries]


def _marks(place: Place, entry: Entry | None = None) -> list[pytest.MarkDecorator]:
    named = pytest.mark.docker if place.startswith("docker") else pytest.mark.bwrap
    return [named, pytest.mark.slow, pytest.mark.timeout(300)] if entry is not None and entry.slow else [named]


def _batched(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    """A few at a time."""
    return [entries[at : at + 4] for at in range(0, len(entries), 4)]


GROUPS = [
    pytest.param(each, place, id=f"{each.name}-{place}".replace(" ", "-"), marks=_marks(place))
    for each in CLASSES
    for place in PLACES
    if any(entry.grouped and place in entry.places for entry in each.entries)
]
ALONE = [
    pytest.param(entry, place, id=f"{entry.id}-{place}".replace(" ", "-"), marks=_marks(place, entry))
    for entry in ENTRIES
    if not entry.grouped and not entry.waits
    for place in entry.places
]
WAITING = [
    pytest.param(
        entries, place, id="+".join(entry.id for entry in entries) + f"-{place}".replace(" ", "-"), marks=_marks(place)
    )
    for place in PLACES
    for entries in _batched([entry for entry in ENTRIES if entry.waits and place in entry.places])
]


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    with host_image("glmcode-attacks-test") as tag:
        yield tag


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path / "h")
    host.make()
    return host


@pytest.fixture
def daemon(request: pytest.FixtureRequest, image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path | None]:
    """A Docker daemon of the test's own where the entry asks for one."""
    if not request.getfixturevalue("entry").daemon:
        yield None
        return
    # The path of a socket is short.
    with tempfile.TemporaryDirectory(prefix="glmcode-d-") as folder, own_daemon(Path(folder) / "d") as daemon:
        make_image(daemon, image, monkeypatch)
        yield daemon


@pytest.mark.parametrize(("attacks", "place"), GROUPS)
async def test_a_class_of_attacks(attacks: AttackClass, place: Place, host: Host, image: str) -> None:
    attacker = Attacker(host, place, image)
    await attacker.group([entry for entry in attacks.entries if entry.grouped and place in entry.places])
    attacker.close()


@pytest.mark.parametrize(("entry", "place"), ALONE)
async def test_an_attack(entry: Entry, place: Place, host: Host, image: str, daemon: Path | None) -> None:
    attacker = Attacker(host, place, image, daemon=daemon)
    if daemon is not None:
        attacker.variables["DOCKER_HOST"] = f"unix://{daemon}/d.sock"
    await attacker.alone(entry)
    attacker.close()


@pytest.mark.parametrize(("entries", "place"), WAITING)
async def test_attacks_that_wait(entries: Sequence[Entry], place: Place, tmp_path: Path, image: str) -> None:
    attackers = [Attacker(Host(tmp_path / f"h{number}"), place, image) for number in range(len(entries))]
    for attacker in attackers:
        attacker.host.make()
    await asyncio.gather(*(attacker.alone(entry) for attacker, entry in zip(attackers, entries, strict=True)))
    failures = [failure for attacker in attackers for failure in attacker.failures]
    assert not failures, "\n\n".join(failures)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("docker direct", marks=pytest.mark.docker),
        pytest.param("docker isolated", marks=pytest.mark.docker),
        pytest.param("bwrap direct", marks=pytest.mark.bwrap),
    ],
)
async def test_the_same_attacks_on_a_plain_user(place: Place) -> None:
    grouped = [entry for entry in ENTRIES if entry.grouped and place in entry.places]
    with made_account() as account:
        program, variables = program_of(account)
        host = Host(account.folder / "h", (account.uid, account.gid))
        host.make()
        attacker = Attacker(host, place, "none", program, {**variables, "USER": account.name})
        with made_image(attacker.user, account) if place.startswith("docker") else nullcontext("none") as image:
            attacker.image = image
            await attacker.group(grouped)
    attacker.close()


def test_every_entry_is_named_once_and_says_why() -> None:
    names = [entry.id for entry in ENTRIES]
    assert len(names) == len(set(names)) >= 80
    assert all(entry.why and (entry.run is None) != (entry.tool is None) for entry in ENTRIES)
