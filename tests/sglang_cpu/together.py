"""How pytest-xdist shares out the tests: those of the real SGLang server stay together, all others go one by one."""

from xdist.scheduler import LoadScopeScheduling


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Each worker would start a server of its own, which takes a core and a minute. The largest group goes out first.

    Not `--dist loadgroup`: pytest-xdist 3.8 appends the group to `Item._nodeid`, where pytest 9.2 does not look.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "sglang" if "sglang" in nodeid.partition("::")[0] else nodeid
