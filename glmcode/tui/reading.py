"""A session on disk as the interface shows it."""

from glmcode import paths
from glmcode.session import store
from glmcode.tui.standing import Standing
from glmcode.tui.transcript.fold import Transcript


def read_session(session: str | None) -> tuple[Transcript, Standing]:
    """The whole conversation, and where it stands; empty for None. Blocks. Raises SessionError."""
    from glmcode.session.replaying import replayed

    transcript, standing = Transcript(), Standing()
    if session is not None:
        for event in replayed(store.session_file(paths.sessions_dir(), session)):
            if event.kind == "prompted":
                transcript.user(event.text)
            else:
                transcript.apply(event)
                standing.apply(event)
    return transcript, standing
