from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.fitting import FILE_TOKENS, GAP_TOKENS, Offer, fit
from glmcode.context.index.pieces import Piece

LINES = 30


def offers(path: str, worths: list[float]) -> list[Offer]:
    pieces = [Piece(at * LINES + 1, (at + 1) * LINES, f"f{at}", "") for at in range(len(worths))]
    return [
        Offer(path, at, piece, worth, LINES * 36) for at, (piece, worth) in enumerate(zip(pieces, worths, strict=True))
    ]


def sums(path: str) -> list[int]:
    return [at * 10 for at in range(20 * LINES + 1)]


def chosen(all_offers: list[Offer], budget: int) -> dict[str, list[tuple[int, int]]]:
    return {one.path: one.ranges for one in fit(all_offers, budget, sums, lambda path: 3)}


def test_the_likeliest_piece_comes_first_and_neighbours_become_one_range() -> None:
    own = offers("a.py", [0.01, 0.3, 0.01, 0.01])
    assert chosen(own, 400)["a.py"] == [(31, 60)]
    assert chosen(own, 2000)["a.py"] == [(1, 120)]


def test_a_likely_file_comes_before_a_less_likely_one() -> None:
    own = [*offers("a.py", [0.02, 0.02]), *offers("b.py", [0.4, 0.3])]
    assert list(chosen(own, 700)) == ["b.py"]
    assert list(chosen(own, 2000)) == ["b.py", "a.py"]


def test_the_head_of_a_file_comes_with_its_likeliest_piece() -> None:
    own = offers("a.py", [0.001, 0.001, 0.001, 0.5, 0.001])
    own[0] = Offer("a.py", 0, own[0].piece, 0.001, 200)
    assert chosen(own, 750)["a.py"] == [(1, 30), (91, 120)]


def test_what_cannot_be_sent_is_passed_over() -> None:
    own = [*offers("bad.py", [0.9]), *offers("b.py", [0.1])]
    found = fit(own, 1000, lambda path: None if path == "bad.py" else sums(path), lambda path: 3)
    assert [one.path for one in found] == ["b.py"]


def test_of_a_large_file_the_least_likely_pieces_come_after_the_next_file() -> None:
    def packed(pieces: int) -> dict[str, int]:
        own = offers("a.py", [0.475, *[0.475 / (pieces - 1)] * (pieces - 1)])
        own += offers("b.py", [0.05 / 4] * 4)
        found = fit(own, 310 * pieces, lambda path: [at * 10 for at in range(80 * LINES)], lambda path: 3)
        return {one.path: sum(last - first + 1 for first, last in one.ranges) // LINES for one in found}

    assert packed(6) == {"a.py": 6}
    assert packed(70) == {"a.py": 67, "b.py": 4}


def test_a_gap_that_is_closed_costs_nothing_any_more() -> None:
    # Every other piece comes first; the whole file needs no mark at all.
    own = offers("a.py", [0.1, 0.01, 0.1, 0.01, 0.1, 0.01, 0.1])
    exact = 7 * (LINES * 10 + 1) + FILE_TOKENS + 3 + 2 * GAP_TOKENS
    assert chosen(own, exact)["a.py"] == [(1, 7 * LINES)]


@given(
    st.lists(st.lists(st.floats(0, 0.1), min_size=1, max_size=12), max_size=5),
    st.integers(0, 6000),
)
def test_what_is_chosen_fits_and_says_what_it_costs(worths: list[list[float]], budget: int) -> None:
    own = [offer for at, each in enumerate(worths) for offer in offers(f"{at}.py", each)]
    found = fit(own, budget, sums, lambda path: 3)
    assert sum(one.tokens for one in found) <= budget
    for one in found:
        lines = sum(last - first + 1 for first, last in one.ranges)
        ends = len(worths[int(one.path[0])]) * LINES
        gaps = len(one.ranges) + 1 - (one.ranges[0][0] == 1) - (one.ranges[-1][1] == ends)
        assert one.tokens >= FILE_TOKENS + lines * 10 + gaps * GAP_TOKENS
        flat = [number for ends in one.ranges for number in ends]
        assert flat == sorted(flat)
