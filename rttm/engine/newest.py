"""Values that are dear to make and often wanted: the newest for each key. For the engine."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Newest(Generic[Key, Made]):
    """A cache in which a new version of a value takes the place of the one before.

    With `functools.lru_cache` each edit of a large service would leave its whole past in memory.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[Key, tuple[Hashable, Made]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key, made_of: Hashable, make: Callable[[], Made]) -> Made:
        """The value of `key`, made anew when it was made of something else."""
        known = self._kept.get(key)
        if known is not None and known[0] == made_of:
            return known[1]
        if known is None and len(self._kept) >= self._size:
            del self._kept[next(iter(self._kept))]  # the first that came
        value = make()
        self._kept[key] = made_of, value
        return value
