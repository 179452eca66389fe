"""Pictures with people and joints, whatever file they come from: what all writers take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mpn_cli.base.choices import Pictures, Rows
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import plain_name

PictureSize = tuple[int, int]
"""(width, height), pixels."""


class Joint(NamedTuple):
    """A joint; its position means nothing where ``visibility`` is 0."""

    x: float
    """Pixels of the picture."""
    y: float
    visibility: int
    """COCO's v: 2 visible, 1 occluded (of a found joint: uncertain), 0 not labelled or found."""
    confidence: float | None
    """0..1; None where a person labelled it."""


@dataclass(frozen=True, slots=True)
class JointSet:
    """A category of people: the names of its joints, and the limbs between them."""

    category: str
    names: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    """Pairs of joint indices, counted from 0."""

    @property
    def mirrors(self) -> tuple[int, ...] | None:
        """For each joint the index of its mirror image, itself if it has no side.

        None where the names don't tell: none of them says left or right, or a side has no other.
        """
        plain = [plain_name(name) for name in self.names]
        found = [plain.index(other) if (other := _other_side(n)) in plain else -1 for n in plain]
        sided = any(joint != mirror for joint, mirror in enumerate(found))
        return tuple(found) if sided and -1 not in found else None


def _other_side(name: str) -> str:
    """A plain name with left and right exchanged."""
    return "right".join(part.replace("right", "left") for part in name.split("left"))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A person."""

    joint_set: JointSet
    joints: list[Joint]
    box: tuple[float, float, float, float] | None
    """x, y, width, height, pixels."""
    score: float | None
    track_id: int | None

    @property
    def seen(self) -> list[Joint]:
        """The joints that have a position."""
        return [joint for joint in self.joints if joint.visibility]

    @property
    def extent(self) -> tuple[float, float, float, float] | None:
        """The box; that around the joints where there is none; None where there are none either."""
        if self.box is not None or not self.seen:
            return self.box
        xs, ys = [joint.x for joint in self.seen], [joint.y for joint in self.seen]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and its people, in the file's order."""

    id: int | str
    file_name: str
    """As it stands in the file that was read."""
    size: PictureSize | None
    file: str | None
    """Where it is; None if it was not found."""
    place: str
    """A relative path, "/"-separated, that leads out of no folder: what files are named after."""
    people: list[Labelled]
    frame: int | None = None
    """Its number in the video that it is a frame of."""

    def known_size(self, what: str) -> PictureSize:
        """Its size. Raises InputError, for ``what`` needs it, where it is not known."""
        if self.size is None:
            raise InputError(
                f"image {self.file_name} has no width and height in the data set; {what} needs them"
            )
        return self.size


@dataclass(frozen=True)
class Conversion:
    """What writers have to know beside the pictures, and where they note what they left out."""

    out: Path
    """Where the result will be in the end; it is written elsewhere until then."""
    joint_sets: tuple[JointSet, ...]
    text_ids: bool
    """Whether some of the pictures' ids are texts."""
    rows: Rows
    pictures: Pictures
    left_out: Counter[str] = field(default_factory=Counter)
    """What the format can't hold, by reason."""

    def only_joint_set(self, what: str) -> JointSet:
        """The one joint set. Raises InputError where there are several: ``what`` holds one."""
        if len(self.joint_sets) != 1:
            names = ", ".join(one.category for one in self.joint_sets)
            raise InputError(f"{what} holds one joint set, and there are {names}; give --category")
        return self.joint_sets[0]


Write = Callable[[Path, Iterable[LabelledPicture], Conversion], None]
"""Writes all pictures to a file or an empty folder, in one pass over them."""
