"""What every client of a model server gets around it: patience and the stream guard, as the settings say."""

from typing import TYPE_CHECKING

from glmcode.config import Settings
from glmcode_engine.base import Engine

if TYPE_CHECKING:
    from glmcode_engine.remote import RemoteEngine


def with_care(remote: "RemoteEngine", settings: Settings) -> Engine:
    """A client that waits for busy servers, as long as the settings say, and puts broken answers right."""
    from glmcode_engine.guard import GuardedEngine
    from glmcode_engine.patience import Patience, PatientEngine

    patient = PatientEngine(remote, Patience(max_wait_s=settings.patience))
    return GuardedEngine(patient, thinking_budget=settings.thinking_budget)
