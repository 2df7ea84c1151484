import subprocess
import sys

MODULES = (
    "base", "messages", "endpoint", "presets", "remote", "patience", "assemble", "scripted", "tokens", "ranks",
    "errors", "server_tokens",
)  # fmt: skip


def test_importing_the_engine_loads_no_heavy_package() -> None:
    imports = "; ".join(f"import glmcode_engine.{name}" for name in MODULES)
    check = "print([n for n in ('openai', 'httpx', 'httpx2', 'yaml', 'tiktoken', 'tokenizers') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; {imports}; {check}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
