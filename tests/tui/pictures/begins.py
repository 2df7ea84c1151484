"""What the first run asks."""

from typing import Any

from textual.pilot import Pilot

from glmcode.config import Settings
from glmcode.tui.firstrun.endpoint import EndpointScreen
from glmcode.tui.firstrun.sandbox import SandboxScreen
from glmcode.tui.firstrun.trust import TrustScreen
from tests.tui.pictures.scene import Place, Scene, over, still

PROBLEM = "No Docker daemon answers at unix:///var/run/docker.sock. Start one, or choose another sandbox."
NO_ENGINE = (
    "no engine runs here, and none can be started without a checkpoint: pass --model-path (GLMCODE_MODEL_PATH) "
    "with its folder or its name, for instance zai-org/GLM-4.6-FP8; `glmcode engine plan` says what fits"
)
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
    "no-engine": Scene(over(lambda _: EndpointScreen(Settings(), NO_ENGINE)), still, is_small=True),
    "sandbox": Scene(over(lambda _: SandboxScreen(Settings(), PROBLEM)), still),
    "trust": Scene(over(trust), still),
}
