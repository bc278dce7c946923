"""Where the plain writer lets one rule be broken, to see whether the suite notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from darimage.schema.codecs import Order

Fields = dict[str, Any]
"""Fields of a layout by name."""


class Breaking:
    """What is broken: by default nothing.

    Attributes:
        order: Byte order of what is written (DARI-CNV-002).
        chunk: Bytes that no entry crosses a multiple of (DARI-DIR-004).
    """

    def __init__(
        self,
        changes: Mapping[str, Callable[[Any], Any]] | None = None,
        order: Order = "le",
        chunk: int = 512,
    ) -> None:
        """Take changes by what they are made to.

        Args:
            changes: Each returns what is written instead of what it is given: ``header``,
                ``continuation`` and ``stream directory`` get the fields of a record; ``data`` the
                fields of a header and the records under it; ``parts`` the parts in their order;
                ``above`` and ``below`` the inodes of parts 4 and 8; ``existing`` and ``held`` the
                numbers of a bitmap; the others bytes or a number.
            order: See above.
            chunk: See above.
        """
        self._changes = dict(changes or {})
        self.order = order
        self.chunk = chunk

    def change(self, what: str, value: Any) -> Any:
        """Return what is written instead of a value."""
        changed = self._changes.get(what)
        return value if changed is None else changed(value)


KEPT = Breaking()
"""Nothing is broken."""
