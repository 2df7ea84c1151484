import json
import subprocess
import sys
from pathlib import Path

from tests.glmcode.context.conftest import Commit

SLOW = ("pydantic", "asyncio", "openai", "httpx", "tiktoken", "tree_sitter", "urllib.request", "email")
PROGRAM = f"""
import sys
from glmcode.cli.main import main
code = main(sys.argv[1:])
print([name for name in {SLOW} if name in sys.modules], code, file=sys.stderr)
"""


def test_a_pack_of_known_files_loads_nothing_that_takes_long(repo: Path, commit: Commit) -> None:
    (repo / "refund.py").write_text("def refund_total(order):\n    return order.total\n")
    commit("start")
    what = ["pack", "--repo", str(repo), "--task", "refund_total is wrong", "--budget", "3000", "--format", "json"]
    command = [sys.executable, "-P", "-c", PROGRAM, *what]
    subprocess.run(command, capture_output=True, check=True)
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["files"][0]["path"] == "refund.py"
    assert again.stderr.strip() == "[] 0"
