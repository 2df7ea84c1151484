"""What one command writes: found between its markers, kept at both ends, spilled to a file when it is long."""

import asyncio
import time
from pathlib import Path
from typing import BinaryIO

from glmcode_sandbox.base import OutputSink
from glmcode_sandbox.clean import clean_text

MARK = b"\x1e"
_COMPLAINT_BYTES = 500


class Capture:
    """Keeps the first and last half of `keep_bytes`; the whole goes to `spill_file` once it is longer than that.

    With `keeps_raw` it goes there as well where people and models will see less of it than there is.
    """

    def __init__(
        self,
        keep_bytes: int,
        spill_file: Path | None,
        sink: OutputSink | None,
        output_bytes: int,
        *,
        keeps_raw: bool = False,
    ) -> None:
        self._keep = max(2, keep_bytes)
        self._spill_file = spill_file
        self._keeps_raw = keeps_raw
        self._sink = sink
        self._limit = output_bytes
        self._head = bytearray()
        self._tail = bytearray()
        self._spill: BinaryIO | None = None
        self._finished = False
        self.total_bytes = 0
        self.clipped = False
        self.error: Exception | None = None
        """What the sink failed with; it is not called again."""

    @property
    def flooded(self) -> bool:
        return self.total_bytes > self._limit

    def add(self, data: bytes) -> None:
        """Take the next piece. Past the limit it is only counted."""
        was_full = self.flooded
        self.total_bytes += len(data)
        if not data or was_full or self._finished:
            return
        if self._sink is not None:
            try:
                self._sink(data)
            except Exception as error:  # any failure of the caller's own code is handed back to it
                self.error, self._sink = error, None
        if self._spill is not None:
            self._spill.write(data)
        if self.clipped:
            self._tail += data
        else:
            self._head += data
            if len(self._head) > self._keep:
                self._clip()
        if len(self._tail) > 4 * self._keep:
            del self._tail[: -(self._keep // 2)]

    def take(self) -> tuple[bytes, int | None]:
        """What is kept since the last take, and where its gap is. From now on all goes to the spill file."""
        self._begin_spill()
        output, gap = self._kept()
        self._head, self._tail, self.clipped = bytearray(), bytearray(), False
        return output, gap

    @property
    def spilled(self) -> Path | None:
        """The spill file, where there is one by now."""
        return self._spill_file if self._spill is not None else None

    def _begin_spill(self) -> None:
        """All that came so far is still in the head then."""
        if self._spill_file is not None and self._spill is None and not self._finished:
            self._spill_file.parent.mkdir(parents=True, exist_ok=True)
            self._spill = self._spill_file.open("xb")
            self._spill.write(self._head)

    def _clip(self) -> None:
        self.clipped = True
        self._begin_spill()
        half = self._keep // 2
        self._tail = self._head[half:]
        del self._head[half:]

    def mute(self) -> None:
        """Nobody watches any more."""
        self._sink = None

    def starved(self) -> bool:
        """Whether it ends with a shell's complaint that it cannot fork: something has taken all processes, and kept
        running it would leave no way to end it."""
        tail = bytes((self._head + self._tail)[-_COMPLAINT_BYTES:])
        return (b"Resource temporarily unavailable" in tail and b"fork: " in tail) or b"Cannot fork" in tail

    def finish(self) -> tuple[bytes, int | None, Path | None]:
        """Output, where its gap is, and the spill file; `output`, `head_bytes` and `spill` of ExecResult."""
        output, gap = self._kept()
        is_told = gap is not None or (self._keeps_raw and not _is_plain(output))
        if is_told:
            self._begin_spill()
        self._finished = True
        if self._spill is not None:
            self._spill.close()
        return output, gap, self._spill_file if is_told else None

    def _kept(self) -> tuple[bytes, int | None]:
        if not self.clipped:
            return bytes(self._head), None
        # The head may be shorter than half when the very first piece was longer than all that is kept.
        return bytes(self._head + self._tail[-(self._keep // 2) :]), len(self._head)


def _is_plain(output: bytes) -> bool:
    """Whether it is shown as it is: text, and nothing in it that is cleaned away."""
    try:
        text = output.decode()
    except UnicodeDecodeError:
        return False
    return clean_text(text) == text


class Run:
    """One command's passage through the shell: what lies between its start and its end marker is its output."""

    def __init__(self, start: str, end: str, capture: Capture) -> None:
        self.start, self.end = start, end
        """The words of its markers, random."""
        self._start = MARK + start.encode() + MARK
        self._end = MARK + end.encode() + b":"
        self._capture = capture
        self._held = b""
        self.began_s = time.monotonic()
        self.started = False
        """Whether the shell has come to this command at all."""
        self.exit_code: int | None = None
        self.stopped = asyncio.Event()
        """Set when nothing more is to be expected: the command ended, its shell died, or it took too much."""
        self.verdict: str | None = None
        """Why the command must be killed, other than its time."""
        self.missed = False
        """Whether its shell was over before it came to the command."""

    @property
    def capture(self) -> Capture:
        """Where its output goes."""
        return self._capture

    def miss(self) -> None:
        """It will not begin."""
        self.missed = True
        self.stopped.set()

    def stop(self, verdict: str) -> None:
        """It took more than it may."""
        self.verdict = verdict
        self.stopped.set()

    def ended(self) -> bool:
        """Whether the command itself is over and its shell free for the next."""
        return self.exit_code is not None or self.missed

    def feed(self, data: bytes) -> None:
        """Take what came over the channel."""
        if self.exit_code is not None:
            return
        data = self._held + data
        self._held = b""
        if not self.started:
            before, mark, data = data.partition(self._start)
            if not mark:
                if self._end in before:
                    self.miss()
                self._held = before[-max(len(self._start), len(self._end)) :]
                return
            self.started = True
        output, mark, rest = data.partition(self._end)
        if mark:
            code, closed, _ = rest.partition(MARK)
            if not closed:
                self._held = mark + rest
        else:
            output, self._held = _split_partial(output, self._end)
        self._capture.add(output)
        if mark and closed:
            self.exit_code = int(code)
        if self.exit_code is not None or self._capture.flooded or self._capture.error:
            self.stopped.set()


def _split_partial(data: bytes, marker: bytes) -> tuple[bytes, bytes]:
    """Cut off an end of `data` that may be the beginning of `marker`."""
    at = data.find(MARK, max(0, len(data) - len(marker) + 1))
    while at >= 0:
        if marker.startswith(data[at:]):
            return data[:at], data[at:]
        at = data.find(MARK, at + 1)
    return data, b""
