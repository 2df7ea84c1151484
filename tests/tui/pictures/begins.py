"""What the first run asks."""

from typing import Any

from textual.pilot import Pilot

from glmcode.config import Settings
from glmcode.tui.firstrun.endpoint import EndpointScreen
from glmcode.tui.firstrun.sandbox import SandboxScreen
from glmcode.tui.firstrun.trust import TrustScreen
from tests.tui.pictures.scene import Place, Scene, over, still

PROBLEM = "No Docker daemon answers at unix:///var/run/docker.sock. Start one, or choose another sandbox."
CONFIG = 'test_command = "make check"\n\n[hooks]\nafter_edit = "make format"\n'


def endpoint(_: Place) -> EndpointScreen:
    return EndpointScreen(Settings())


async def no_key(pilot: Pilot[Any], _: Place) -> None:
    await pilot.pause()
    await pilot.press("enter", "enter")


def trust(place: Place) -> TrustScreen:
    file = place.home / "config.toml"
    file.write_text(CONFIG)
    return TrustScreen(file)


SCENES = {
    "endpoint": Scene(over(endpoint), no_key),
    "sandbox": Scene(over(lambda _: SandboxScreen(Settings(), PROBLEM)), still),
    "trust": Scene(over(trust), still),
}
