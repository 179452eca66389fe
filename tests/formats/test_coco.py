"""Ids and categories, however they are written."""

import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.formats.coco import Category, Id, number_of, numbered, person_categories


@pytest.mark.parametrize(
    ("ids", "numbers"),
    [
        ([3, 0, 7], {3: 3, 0: 0, 7: 7}),
        (["3", "12"], {"3": 3, "12": 12}),
        ([-1, 5], {-1: 1, 5: 2}),
        (["b", "a", 9], {9: 1, "a": 2, "b": 3}),
        (["1", 1], {1: 1, "1": 2}),
        ([2**60, 2**60 + 1], {2**60: 1, 2**60 + 1: 2}),
    ],
)
def test_ids_become_numbers_in_their_order(ids: list[Id], numbers: dict[Id, int]) -> None:
    assert numbered(ids) == numbers


def test_a_text_and_its_number_are_one_id() -> None:
    assert number_of({5: 5}, "5") == 5
    assert number_of({"5": 5}, 5) == 5
    assert number_of({5: 5}, "five") is None


PERSON, CAR = Category(0, "Person "), Category(1, "car")


@pytest.mark.parametrize(
    ("categories", "used", "wanted", "people"),
    [
        ([PERSON, CAR], [0, 1], None, {0}),
        ([Category(4, "PERSON"), Category(9, "person"), CAR], [4], None, {4, 9}),
        ([PERSON, Category(1, "Human")], [1], "human", {1}),
        ([PERSON, CAR], [1], "1", {1}),
        ([Category(5, "1"), CAR], [5], "1", {5}),
        ([], [1, 7], None, {1}),
        (None, [], None, {1}),
        (None, [0], "0", {0}),
    ],
)
def test_who_is_a_person(
    categories: list[Category] | None, used: list[Id], wanted: str | None, people: set[Id]
) -> None:
    found = person_categories("a.json", categories, used, wanted)
    assert found == people | {str(one) for one in people}


@pytest.mark.parametrize(
    ("categories", "used", "wanted", "message"),
    [
        ([CAR, Category(2, "human")], [1], None, "called person; there are: 1 car, 2 human. --pe"),
        ([CAR], [1], "people", "called people; there are: 1 car"),
        ([], [3, 0], None, r"none of its annotations has category 1 \(there are: 0, 3\)"),
        (None, [1], "7", "none of its annotations has category 7"),
    ],
)
def test_nobody_is_guessed(
    categories: list[Category] | None, used: list[Id], wanted: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        person_categories("a.json", categories, used, wanted)
