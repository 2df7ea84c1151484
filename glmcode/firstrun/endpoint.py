"""The endpoint of a first start: whether a key is missing, and keeping what was chosen."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from glmcode.config import Settings
from glmcode.doctor import check_endpoint
from glmcode.doctor_record import Check, DoctorInput
from glmcode.firstrun.userconfig import write_settings
from glmcode.keys import find_key, needs_key, store_key
from glmcode.paths import config_file, state_dir

KEY_VARIABLE = "GLMCODE_API_KEY"


def lacks_key(settings: Settings) -> bool:
    """Whether the endpoint of these settings never answers without a key, and there is none. May ask the keyring."""
    if settings.engine != "remote":
        return False
    return needs_key(settings.base_url) and find_key(settings.base_url) is None


async def answers(base_url: str, model: str) -> Check | None:
    """Whether the endpoint can be reached; sends no key. None where the address cannot be asked at all."""
    asked = DoctorInput(base_url=base_url, model=model, has_key=True, state_dir=state_dir(), connect=True)
    return next(iter(await check_endpoint(asked)), None)


def keep_key(base_url: str, key: str) -> bool:
    """Put the key into the system's keyring; False where there is none, and it holds for this process alone."""
    if store_key(urlsplit(base_url).hostname or "", key):
        return True
    os.environ[KEY_VARIABLE] = key
    return False


def keep_endpoint(base_url: str, model: str, dialect: str | None, instead: bool = False) -> Path:
    """Make it the user's default, with `instead` in place of the engine of this machine, too. Gives the file.

    Raises ConfigError, OSError.
    """
    file = config_file()
    engine = {"engine": "remote"} if instead else {}
    write_settings(file, {**engine, "base_url": base_url, "model": model, "dialect": dialect}, without=("preset",))
    return file
