"""Large pages are a wish: asking for them harms nothing, wherever it is asked."""

from __future__ import annotations

from pathlib import Path

from settlement.serve.pages import use_large_pages


def test_what_is_in_memory_stays_what_it_was() -> None:
    ballast = [bytes([number % 251]) * 4096 for number in range(4096)]
    granted = use_large_pages()
    assert granted >= 0
    assert all(one == bytes([number % 251]) * 4096 for number, one in enumerate(ballast))


def test_a_system_without_a_map_grants_nothing(tmp_path: Path) -> None:
    assert use_large_pages(tmp_path / "maps") == 0


def test_memory_too_small_for_a_large_page_is_left_alone(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_text("00001000-00003000 rw-p 00000000 00:00 0 \n")
    assert use_large_pages(maps) == 0
