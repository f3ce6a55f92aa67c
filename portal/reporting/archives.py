"""Archives of a company's documents."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portal.reporting.making import Making


def make_files(making: "Making") -> Sequence[Mapping[str, Any]] | None:
    """The archive's volumes."""
    raise NotImplementedError
