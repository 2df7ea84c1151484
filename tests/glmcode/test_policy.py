import pytest

from glmcode.policy import ApprovalMode, Decision, Effect, NobodyToAsk, Policy, Question, nobody
from glmcode_sandbox.git.protected import protected


def judge(mode: ApprovalMode, effect: Effect, *paths: str) -> Decision | Question:
    return Policy(mode, protected, "/work/repo").judge("call", "edit it", effect, paths)


@pytest.mark.parametrize("mode", ["ask", "auto", "deny"])
@pytest.mark.parametrize("effect", ["reads", "writes", "executes"])
def test_ordinary_calls_are_allowed_without_asking(mode: ApprovalMode, effect: Effect) -> None:
    assert judge(mode, effect, "src/a.py") == Decision(True)


def test_plan_mode_only_reads() -> None:
    assert judge("plan", "reads", "src/a.py") == Decision(True)
    for effect in ("writes", "executes"):
        decision = judge("plan", effect, "src/a.py")
        assert isinstance(decision, Decision) and not decision.allowed


@pytest.mark.parametrize(
    "path", [".vscode/tasks.json", "/work/repo/.vscode/tasks.json", "./src/../.vscode/tasks.json", ".VSCode/tasks.json"]
)
def test_a_protected_path_leaves_the_policy_however_it_is_spelt(path: str) -> None:
    question = judge("ask", "writes", path)
    assert isinstance(question, Question) and "tasks.json" in question.effect
    assert judge("auto", "writes", path) == Decision(True)
    denied = judge("deny", "writes", path)
    assert isinstance(denied, Decision) and not denied.allowed and "tasks.json" in denied.reason


@pytest.mark.parametrize("mode", ["ask", "auto", "deny"])
@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "x/../.git/config", "/work/repo/.git/config", ".GIT/config"])
def test_the_git_folder_is_never_written(mode: ApprovalMode, path: str) -> None:
    decision = judge(mode, "writes", path)
    assert isinstance(decision, Decision) and not decision.allowed


async def test_nobody_cannot_answer() -> None:
    with pytest.raises(NobodyToAsk, match="--approval auto"):
        await nobody(Question("call", "edit .envrc", "writes .envrc"))
