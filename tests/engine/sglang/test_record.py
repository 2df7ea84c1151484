import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from glmcode_engine.sglang.attach import clean_up
from glmcode_engine.sglang.record import Place


def test_a_supervisor_begins_while_another_only_looks(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.supervised():
        pass
    looking = os.open(place.file("lock"), os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not place.is_supervised()  # two who look do not take each other for a supervisor
    threading.Timer(0.05, os.close, [looking]).start()
    with place.supervised() as alone:
        assert alone and place.is_supervised()


def test_of_two_supervisors_the_second_is_told_soon(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.supervised() as first, place.supervised() as second:
        assert first and not second


def test_who_cleans_up_takes_nothing_from_a_supervisor_that_has_just_begun(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with ThreadPoolExecutor() as pool, place.supervised():
        place.make_key()
        began = time.monotonic()
        pool.submit(clean_up, place, keep_failure=False).result()
        assert place.key() is not None and time.monotonic() - began < 5
    clean_up(place, keep_failure=False)
    assert place.key() is None
