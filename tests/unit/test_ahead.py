"""The next piece in the making: same order, and an error where the piece would have been."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipelines.core.prefetch import ahead


def test_pieces_come_in_their_order() -> None:
    assert list(ahead(iter(range(50)))) == list(range(50))


def test_no_piece_is_no_piece() -> None:
    assert list(ahead(iter([]))) == []


def test_the_next_piece_is_made_while_one_is_used() -> None:
    begun = threading.Event()

    def pieces() -> Iterator[int]:
        yield 1
        begun.set()
        yield 2

    for piece in ahead(pieces()):
        if piece == 1:
            assert begun.wait(10)


def test_an_error_comes_after_the_pieces_before_it() -> None:
    def pieces() -> Iterator[int]:
        yield 1
        raise ValueError("line 7 cannot be read")

    coming = ahead(pieces())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="line 7"):
        next(coming)
