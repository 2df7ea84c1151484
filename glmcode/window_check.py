"""Checks what is known of the model's window: from the user, the server itself, or the preset."""

from glmcode.config import ConfigError, Settings
from glmcode.doctor_record import Check
from glmcode.engines import open_remote


async def check_window(settings: Settings) -> Check:
    """Ask the endpoint of these settings, with its key, unless the user has set the window."""
    from glmcode_engine.server_tokens import ServerTokens

    try:
        engine = open_remote(settings)
    except ConfigError as error:
        return Check(name="window", status="warn", detail="not asked", remedy=str(error))
    try:
        window = await ServerTokens(engine).window()
    finally:
        await engine.aclose()
    if window is None:
        remedy = "Set --window or GLMCODE_WINDOW to the tokens that prompt and answer may have together."
        return Check(name="window", status="warn", detail="the endpoint does not tell", remedy=remedy)
    return Check(name="window", status="ok", detail=f"{window} tokens")
