"""Short texts with their token counts: the higher of cl100k_base and o200k_base, counted once with both."""

from typing import NamedTuple


class Sample(NamedTuple):
    text: str
    tokens: int


_PYTHON = '''
class RetryPolicy:
    """Decides whether a failed request is sent again, and after how many seconds."""

    def __init__(self, max_attempts: int = 5, base_delay_s: float = 0.25) -> None:
        if max_attempts < 1:
            raise ValueError(f"max_attempts must be positive, got {max_attempts}")
        self._max_attempts = max_attempts
        self._base_delay_s = base_delay_s

    def delay_before(self, attempt: int, *, retry_after: float | None = None) -> float | None:
        """Seconds to wait before `attempt` (counted from 1), or None when there is no further attempt."""
        if attempt >= self._max_attempts:
            return None
        delay = self._base_delay_s * 2 ** (attempt - 1)
        return max(delay, retry_after or 0.0)


@pytest.mark.parametrize(("attempt", "expected"), [(1, 0.25), (2, 0.5), (3, 1.0), (5, None)])
def test_delays_double(attempt, expected):
    assert RetryPolicy().delay_before(attempt) == expected
'''

_MARKDOWN = """
# Installing

You need **Python 3.11** or newer. In a fresh virtual environment:

```sh
pip install --upgrade frobnicate[extras]
frobnicate init --config ~/.config/frobnicate.toml
```

| Option        | Default | Meaning                                   |
|---------------|---------|-------------------------------------------|
| `--jobs N`    | 4       | How many files are processed in parallel  |
| `--dry-run`   | off     | Print what would be done, change nothing  |

See [the manual](https://example.org/docs/manual.html#options) for the rest; issues go to the tracker.
"""

_JSON = """
{
  "name": "@example/widget-kit",
  "version": "2.14.0-rc.3",
  "scripts": {"build": "tsc -p tsconfig.build.json", "test": "vitest run --coverage"},
  "dependencies": {"lodash.debounce": "^4.0.8", "react": ">=18.2.0 <20", "zod": "3.23.8"},
  "files": ["dist/**/*.js", "dist/**/*.d.ts", "README.md"],
  "sha512": "q1w2e3r4t5y6", "private": false, "ports": [8080, 443, 31001], "ratio": 0.3333333
}
"""

_CHINESE = """
# 快速开始

本项目是一个面向终端的编程助手。首次运行前,请先安装依赖,然后在仓库根目录执行初始化命令。
如果测试没有通过,程序会显示失败的用例,并给出可能的原因。所有改动都会先在沙箱中验证,确认无误后才会写回工作区。
"""

_C = """
static inline int frob_queue_push(struct frob_queue *q, const void *item, size_t len)
{
	if (q->count == FROB_QUEUE_MAX || len > sizeof(q->slots[0].data))
		return -ENOSPC;
	memcpy(q->slots[q->tail].data, item, len);
	q->tail = (q->tail + 1) & (FROB_QUEUE_MAX - 1);	/* the size is a power of two */
	return ++q->count;
}
"""

SAMPLES = {
    "python": Sample(_PYTHON, 259),
    "markdown": Sample(_MARKDOWN, 137),
    "json": Sample(_JSON, 161),
    "chinese": Sample(_CHINESE, 101),
    "c": Sample(_C, 109),
}
