"""Checks what is known of the model's window: from the user, the server itself, or the preset."""

from glmcode.config import ConfigError, Settings
from glmcode.doctor_record import Check
from glmcode.model.engines import ask_window


async def check_window(settings: Settings) -> Check:
    """Ask the endpoint of these settings, with its key, unless the user has set the window."""
    try:
        window = await ask_window(settings)
    except ConfigError as error:
        return Check(name="window", status="warn", detail="not asked", remedy=str(error))
    if window is None:
        remedy = "Set --window or GLMCODE_WINDOW to the tokens that prompt and answer may have together."
        return Check(name="window", status="warn", detail="the endpoint does not tell", remedy=remedy)
    return Check(name="window", status="ok", detail=f"{window} tokens")
