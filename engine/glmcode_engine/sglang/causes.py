"""Finds in SGLang's log why a server ended, since its exit code tells nothing (1, 3 or 137 for most causes)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from glmcode_engine.untrusted import one_line

_SAID_CHARS = 240


@dataclass(frozen=True, slots=True)
class Cause:
    """A known ending: the words in the log, what they mean, what to do."""

    words: re.Pattern[str]
    means: str
    remedy: str
    """Empty: what the log says is clear."""


def _cause(words: str, means: str, remedy: str) -> Cause:
    return Cause(re.compile(words, re.IGNORECASE), means, remedy)


# The special before the general: the first that is found anywhere in the tail holds.
_CAUSES = (
    _cause(r"address already in use|port .{0,40} is (?:already in use|not available)",
           "the port is taken", "choose another with --port, or leave it out for a free one"),
    _cause(r"Not enough memory to allocate KV cache|Not enough memory\. Please try to (?:increase|decrease)",
           "no memory is left for the KV cache beside the weights",
           "use more GPUs (--tp), a shorter --context-length, or FP8 weights"),
    _cause(r"CUDA out of memory|OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|HIP out of memory",
           "the GPUs have too little free memory", "see `glmcode engine plan`, and whether other programs hold them"),
    _cause(r"DefaultCPUAllocator: (?:can't|not enough)|Cannot allocate memory|std::bad_alloc|^MemoryError",
           "this machine has too little memory", "free memory, or leave --hicache out"),
    _cause(r"No space left on device", "a disk is full",
           "free space where checkpoints are kept (HF_HOME) or in /dev/shm"),
    _cause(r"Repo id must (?:be in the form|use alphanumeric)|is not a local folder and is not a valid model identifier"
           r"|RepositoryNotFoundError|Repository Not Found|can't load the configuration of|Unrecognized model in",
           "there is no such checkpoint", "--model-path takes a folder with config.json, or a name at Hugging Face"),
    _cause(r"GatedRepoError|Access to model .{0,200} is restricted", "this checkpoint needs a login", "set HF_TOKEN"),
    _cause(r"LocalEntryNotFoundError|OfflineModeIsEnabled|outgoing traffic has been disabled"
           r"|couldn't connect to 'https://huggingface\.co'|cannot find the requested files in the",
           "the checkpoint is not on this machine and cannot be downloaded", "pass --model-path FOLDER"),
    _cause(r"CUDA driver version is insufficient|NVIDIA driver on your system is too old"
           r"|no kernel image is available|The current (?:GPU|PyTorch) .{0,80}not compatible",
           "the driver or the GPU does not fit this SGLang", "update the driver, or install another SGLang version"),
    _cause(r"No accelerator .{0,60}(?:found|available)|Found no NVIDIA driver"
           r"|no CUDA-capable device|No CUDA GPUs are available",
           "SGLang finds no GPU here", "see `glmcode engine plan` for what it takes"),
    _cause(r"error: (?:unrecognized arguments|argument |ambiguous option|the following arguments)",
           "SGLang refuses the flags", ""),
    _cause(r"ModuleNotFoundError: No module named|ImportError: ", "the SGLang installation is not whole",
           "install it anew: pip install 'glmcode[sglang]'"),
    _cause(r"NCCL error|ncclSystemError|ncclUnhandledCudaError|DistBackendError"
           r"|Connection (?:timed out|refused) .{0,40}rank",
           "the GPUs or nodes cannot reach each other", "check --dist-init-addr, the network and NCCL_DEBUG=INFO"),
    _cause(r"tp_?size .{0,80}(?:divis|must)|should be divisible by|is not divisible by|not divisible by tp",
           "the checkpoint cannot be split so", "choose another --tp"),
    _cause(r"CUDA error|cudaError|illegal memory access|device-side assert|cuda runtime error",
           "a GPU failed", "look into the log"),
    _cause(r"(?:Subprocess|Child process|scheduler)\b.{0,80}crashed with exit code -9"
           r"|(?:scheduler|Rank \d+).{0,60}(?:died|is dead).{0,60}exit code:? -9",
           "one of its processes was killed from outside", "was memory short? See the kernel's log (dmesg)"),
    _cause(r"watchdog timeout|Scheduler watchdog|soft watchdog",
           "it hung and its own watchdog ended it", "look into the log"),
)  # fmt: skip
_EXCEPTION = re.compile(r"^(?:\[[^\]]*\]\s*)?(?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit)\b(?:: \S.*|$)")
_TEARDOWN = re.compile(r"SIGQUIT for|SIGQUIT received|sigquit|kill_process_tree")

_BENIGN = re.compile(r"Ignore import error|server_args=|\w+Warning\b")
"""Lines of every start that hold words of a cause: models that need other packages, the list of all settings."""


def find_cause(tail: Sequence[str], code: int | None) -> str:
    """One harmless line on why the server ended; `tail` holds the last lines of its log.

    The log comes from a program and a checkpoint that nobody vouches for, so it is quoted only after cleaning.
    """
    telling = [line for line in tail if not _BENIGN.search(line)]
    for cause in _CAUSES:
        said = next((line for line in reversed(telling) if cause.words.search(line)), None)
        if said is not None:
            quoted = f"{cause.means} ({_said(said)})"
            return f"{quoted}; {cause.remedy}" if cause.remedy else quoted
    # A child's exception is the cause; what follows it is only the others being torn down.
    raised = [line for line in telling if _EXCEPTION.match(line) and not _TEARDOWN.search(line)]
    if raised:
        return _said(raised[-1])
    last = next((line for line in reversed(telling) if line.strip() and not _TEARDOWN.search(line)), "")
    ended = "it ended" if code is None else _ended(code)
    return f"{ended}; its last words: {_said(last)}" if last else f"{ended} without a word"


def _ended(code: int) -> str:
    return f"it was killed by signal {code - 128}" if code > 128 else f"it ended with code {code}"


def _said(line: str) -> str:
    return one_line(re.sub(r"^\[[\d: -]+[^\]]*\]\s*", "", line), limit=_SAID_CHARS)
