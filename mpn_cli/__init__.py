"""mpn: people's poses in folders of pictures, as COCO keypoint files.

``Annotator`` and ``Poses`` are for use from Python; all else is private or a plug-in contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpn_cli.base.version import __version__

if TYPE_CHECKING:
    from mpn_cli.annotator import Annotator
    from mpn_cli.poses import Poses

__all__ = ["Annotator", "Poses", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the Python face only when it is asked for: the command line starts without it."""
    if name in ("Annotator", "Poses"):
        from mpn_cli import annotator

        return getattr(annotator, name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
