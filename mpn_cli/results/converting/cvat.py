"""CVAT for images 1.1 (docs.cvat.ai, "CVAT for image"): one XML file with a skeleton per person.

The task needs a skeleton label with the category's name and the joints' names as its points; the
file's ``meta`` holds it, and ``docs/convert.md`` says how it gets into a task. ``occluded`` is
COCO's visibility 1, ``outside`` is 0. CVAT's skeletons have no box and no confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from mpn_cli.base.files import new_file
from mpn_cli.results.converting.labelled import Conversion, JointSet, Labelled, LabelledPicture

MARK = "written by mpn convert"
"""Text of a comment in every file."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't hold in any way."""

_COLUMNS = 5
"""Joints per row in the drawing of a skeleton that a task's label needs."""


def write_cvat(out: Path, pictures: Iterable[LabelledPicture], conversion: Conversion) -> None:
    """The XML file, picture by picture."""
    with new_file(out) as file:
        file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n')
        file.write(f"<!-- {MARK} -->\n<version>1.1</version>\n".encode())
        file.write(_xml(_meta(conversion.joint_sets)))
        for number, picture in enumerate(pictures):
            width, height = picture.known_size("CVAT")
            # CVAT finds pictures by name, but frames of a video by this number.
            place = number if picture.frame is None else picture.frame
            image = Element("image", _attributes(place, picture.place, width, height))
            for person in picture.people:
                if person.seen:
                    image.append(_skeleton(person))
                else:
                    conversion.left_out["people without joints"] += 1
            file.write(_xml(image))
        file.write(b"</annotations>\n")


def _xml(element: Element) -> bytes:
    ElementTree.indent(element)
    encoded: bytes = ElementTree.tostring(element, "utf-8")
    return encoded.removeprefix(b"<?xml version='1.0' encoding='utf-8'?>\n") + b"\n"


def _text(value: str) -> str:
    return _NOT_XML.sub("\ufffd", value)


def _attributes(number: int, name: str, width: int, height: int) -> dict[str, str]:
    return {"id": str(number), "name": _text(name), "width": str(width), "height": str(height)}


def _skeleton(person: Labelled) -> Element:
    skeleton = Element(
        "skeleton",
        {"label": _text(person.joint_set.category), "source": _source(person), "z_order": "0"},
    )
    for name, joint in zip(person.joint_set.names, person.joints, strict=True):
        # A point that is outside has a place all the same: it moves there when it is set inside.
        x, y = (joint.x, joint.y) if joint.visibility else _middle(person)
        SubElement(
            skeleton,
            "points",
            {
                "label": _text(name),
                "source": _source(person),
                "outside": str(int(joint.visibility == 0)),
                "occluded": str(int(joint.visibility == 1)),
                "points": f"{x:.2f},{y:.2f}",
            },
        )
    return skeleton


def _source(person: Labelled) -> str:
    """How it came to be: by hand, or found by a network, which has a score for it."""
    return "manual" if person.score is None else "auto"


def _middle(person: Labelled) -> tuple[float, float]:
    assert person.extent is not None
    x, y, width, height = person.extent
    return x + width / 2, y + height / 2


def _meta(joint_sets: Iterable[JointSet]) -> Element:
    """The labels, as a task has them that takes the file."""
    meta = Element("meta")
    labels = SubElement(SubElement(meta, "task"), "labels")
    for kind in joint_sets:
        _label(labels, kind.category, "skeleton", svg=_drawing(kind))
        for name in kind.names:
            _label(labels, name, "points", parent=kind.category)
    return meta


def _label(labels: Element, name: str, kind: str, **more: str) -> None:
    label = SubElement(labels, "label")
    for tag, text in {"name": name, "type": kind}.items():
        SubElement(label, tag).text = _text(text)
    SubElement(label, "attributes")
    for tag, text in more.items():
        SubElement(label, tag).text = _text(text)


def _drawing(kind: JointSet) -> str:
    """The drawing of a skeleton's label: the joints in rows, with their limbs (SVG in 0..100)."""
    rows = -(-len(kind.names) // _COLUMNS)
    places = [
        (10 + 80 * (n % _COLUMNS) / (_COLUMNS - 1), 10 + 80 * (n // _COLUMNS) / max(1, rows - 1))
        for n in range(len(kind.names))
    ]
    return "".join((*_lines(kind, places), *_dots(kind, places)))


def _lines(kind: JointSet, places: list[tuple[float, float]]) -> Iterator[str]:
    for a, b in kind.limbs:
        (x1, y1), (x2, y2) = places[a], places[b]
        yield _tag(
            "line",
            x1=x1, y1=y1, x2=x2, y2=y2,
            data_type="edge", data_node_from=a + 1, data_node_to=b + 1,
        )  # fmt: skip


def _dots(kind: JointSet, places: list[tuple[float, float]]) -> Iterator[str]:
    for number, (name, (x, y)) in enumerate(zip(kind.names, places, strict=True), 1):
        yield _tag(
            "circle",
            r=0.75, cx=x, cy=y,
            data_type="element node", data_element_id=number, data_node_id=number,
            data_label_name=_text(name),
        )  # fmt: skip


def _tag(name: str, **attributes: Any) -> str:
    words = {
        key.replace("_", "-"): f"{value:g}" if isinstance(value, float) else str(value)
        for key, value in attributes.items()
    }
    return ElementTree.tostring(Element(name, words), "unicode")
