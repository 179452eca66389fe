"""What is odd about a ground truth: labels that can't be scored, or not as they are meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.skeletons import COCO, plain_name
from mpn_cli.formats.coco import Person

NOWHERE_SHARE = 0.05
"""It is odd if a larger share of all labelled joints lies at 0, 0."""

NORMALISED = 1.5
"""If no coordinate exceeds this, they are shares of the picture, not pixels."""

ALIKE = 3
"""So many joints with the names of COCO's are no coincidence."""

SMALLEST_AREA = 1.0
"""Pixels squared; no person with a labelled joint is smaller."""


def odd_labels(
    people: Sequence[Person],
    keypoints: Float64Array,
    labelled: Sequence[int],
    names: Sequence[str],
) -> list[str]:
    """One line for each thing that is odd about annotations as they stand in the file.

    keypoints: (M, K, 3) pixels and visibility; labelled: how many joints of each person have a
    label; names: of the joints.
    """
    scored = [o for o, count in zip(people, labelled, strict=True) if count and not o.iscrowd]
    lines = [
        _areas(scored),
        _counts(people, labelled, scored),
        _ids(people),
        _doubled_ids(people),
        _doubled(scored),
        _places(keypoints, people),
        _names(names),
    ]
    return [line for line in lines if line]


def _named(people: Sequence[Person]) -> str:
    return f"first: annotation {people[0].id}"


def _areas(scored: Sequence[Person]) -> str | None:
    small = [one for one in scored if one.area is not None and one.area < SMALLEST_AREA]
    if not small:
        return None
    values = sorted({one.area for one in small if one.area is not None})
    return (
        f"{len(small)} people have an area of {values[0]:g}"
        f"{f' to {values[-1]:g}' if values[-1] > values[0] else ''} ({_named(small)}): OKS is"
        " measured in it, so they can't be found; without a field area the box's is taken"
    )


def _counts(
    people: Sequence[Person], labelled: Sequence[int], scored: Sequence[Person]
) -> str | None:
    none = [one for one in scored if one.num_keypoints == 0]
    if none:
        return (
            f"num_keypoints is 0 for {len(none)} people with labelled joints ({_named(none)}):"
            " COCO's evaluation looks for none of them"
        )
    some = [
        one
        for one, count in zip(people, labelled, strict=True)
        if one.num_keypoints and not one.iscrowd and not count
    ]
    if some:
        return (
            f"num_keypoints is over 0 for {len(some)} people without a labelled joint"
            f" ({_named(some)}): COCO's evaluation looks for them in their boxes"
        )
    return None


def _ids(people: Sequence[Person]) -> str | None:
    if not any(one.id == 0 and one.id is not None for one in people):
        return None
    return (
        "annotation id 0: pycocotools takes it for unmatched and may give less; here annotations"
        " are counted from 1"
    )


def _doubled_ids(people: Sequence[Person]) -> str | None:
    twice = [
        one for one, count in Counter(p.id for p in people if p.id is not None).items() if count > 1
    ]
    if not twice:
        return None
    return (
        f"{len(twice)} annotation ids appear twice (first: {twice[0]}): pycocotools takes the"
        " last of each for all of them"
    )


def _doubled(scored: Sequence[Person]) -> str | None:
    poses = Counter((one.image_id, tuple(one.keypoints or ())) for one in scored)
    doubled = sum(poses.values()) - len(poses)
    if not doubled:
        return None
    first = next(o for o in scored if poses[o.image_id, tuple(o.keypoints or ())] > 1)
    return (
        f"{doubled} labelled people appear twice ({_named([first])}): only one of two can be found"
    )


def _places(keypoints: Float64Array, people: Sequence[Person]) -> str | None:
    labels = keypoints[np.array([not one.iscrowd for one in people], dtype=np.bool_)]
    places = labels[labels[..., 2] > 0][:, :2]
    if not len(places):
        return None
    if np.abs(places).max() <= NORMALISED:
        return "all labels are between 0 and 1: pixels are expected, not shares of the picture"
    nowhere = (places == 0).all(axis=1)
    if nowhere.mean() <= NOWHERE_SHARE:
        return None
    return (
        f"{nowhere.mean():.0%} of the labelled joints are at 0, 0: joints that nobody labelled"
        " have visibility 0"
    )


def _names(names: Sequence[str]) -> str | None:
    """The evaluation compares joints by their place."""
    ours = [plain_name(name) for name in COCO.keypoints]
    theirs = [plain_name(name) for name in names]
    if len(theirs) != COCO.joints or theirs == ours:
        return None
    if sorted(theirs) == sorted(ours):
        first = next(n for n, one in enumerate(theirs) if one != ours[n])
        return (
            f"its joints stand in another order than COCO's (number {first + 1} is"
            f" {names[first]}, COCO's {COCO.keypoints[first]}): results in COCO's order are"
            " compared with other joints"
        )
    other = [name for name, plain in zip(names, theirs, strict=True) if plain not in ours]
    if len(other) > COCO.joints - ALIKE:
        return None  # names that say nothing, as numbers
    return (
        f"its joints are others than COCO's ({', '.join(other[:3])}); the OKS constants are"
        " COCO's, --sigmas gives others"
    )
