"""The fields of the chosen recipe and the user's changes to them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from .parameters import RecipeChanges

if TYPE_CHECKING:
    from .parameters import LowDoseContrastTrainingParameterNode


class RecipeFields:
    """The fields as texts that a person can edit.

    Raises:
        InputError: the recipe file cannot be read or is wrong.
    """

    def __init__(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        from LowDoseContrastTrainingLib.training.recipes import load_recipe

        self._changes = RecipeChanges(parameters)
        self._base = load_recipe(self._changes.base)
        self._types = {field.name: str(field.type) for field in dataclasses.fields(self._base)}

    def rows(self) -> list[tuple[str, str, str, str]]:
        """(field, value, value in the recipe itself, type) of all fields but the name, as texts."""
        changes = self._changes.values()
        named = [name for name in self._types if name != "name"]
        return [
            (
                name,
                _text(changes.get(name, getattr(self._base, name))),
                _text(getattr(self._base, name)),
                self._types[name],
            )
            for name in named
        ]

    def change(self, name: str, text: str) -> None:
        """Gives a field another value. Raises InputError, naming the field, where the recipe forbids it."""
        from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict

        values = {**self._changes.values(), name: _value(text, self._types[name])}
        recipe_from_dict({**self._base.to_dict(), **values})
        self._changes.store({field: value for field, value in values.items() if value != getattr(self._base, field)})

    def reset(self) -> None:
        """Forgets all changes."""
        self._changes.store({})


def rowsOf(recipe: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Rows as :meth:`RecipeFields.rows` of a recipe that is trained and cannot be changed any more."""
    return [(name, _text(value), _text(value), "") for name, value in recipe.items() if name != "name"]


def _text(value: Any) -> str:
    return (
        {None: "none", True: "yes", False: "no"}.get(value) if value is None or isinstance(value, bool) else str(value)
    )


def _value(text: str, kind: str) -> Any:
    """The value that a text stands for; the text itself where it stands for none, to be refused by the recipe."""
    text = text.strip()
    if kind == "bool":
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower(), text)
    if kind.endswith("None") and text.lower() in ("none", ""):
        return None
    for number in {"int": (int,), "str": ()}.get(kind, (float,)):
        try:
            return number(text)
        except ValueError:
            pass
    return text
