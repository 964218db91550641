"""Rows as the driver gives them: tuples whose columns have names."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView
from typing import Any, ClassVar


class Record(tuple[Any, ...]):
    """A row; `places` says where each column is."""

    __slots__ = ()
    places: ClassVar[dict[str, int]]

    def __getitem__(self, key: Any) -> Any:
        """A column by its place or name."""
        return tuple.__getitem__(self, self.places[key] if key.__class__ is str else key)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self.places.keys()

    def items(self) -> ItemsView[str, Any]:
        """Names with what stands under them."""
        return dict(zip(self.places, self, strict=True)).items()


def record(*names: str) -> type[Record]:
    """The type of rows with these columns."""
    places = {name: place for place, name in enumerate(names)}
    return type("Record", (Record,), {"__slots__": (), "places": places})
