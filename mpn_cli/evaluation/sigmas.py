"""OKS constants: how far a joint may be from its label, by joint."""

from __future__ import annotations

from collections.abc import Sequence

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO, MPII, SKELETONS, plain_name


def oks_constants(text: str | None, joints: int, names: tuple[str, ...]) -> Sequence[float]:
    """OKS constants: the user's, or those of COCO's or MPII's joints. Raises InputError."""
    if text is None:
        if joints == COCO.joints:
            return COCO.sigmas
        if [*map(plain_name, names)] == [*map(plain_name, MPII.keypoints)]:
            return MPII.sigmas
        raise InputError(
            f"{joints} joints are not COCO's 17: give their --sigmas ({joints} numbers, or one for"
            " all; mpii for MPII's)"
        )
    for skeleton in SKELETONS.values():
        if text.strip().lower() == skeleton.name and skeleton.joints == joints:
            return skeleton.sigmas
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) == 1:
        values *= joints
    if len(values) != joints or not min(values, default=0) > 0:
        raise InputError(
            f"--sigmas {text}: {joints} numbers over 0, separated by commas; or one for all"
        )
    return values
