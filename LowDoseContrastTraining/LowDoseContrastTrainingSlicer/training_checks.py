"""What the command ``train`` would refuse at once, said before it is started."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from .manifests import MANIFESTS
from .parameters import RECIPE_FILE, RecipeChanges

if TYPE_CHECKING:
    from LowDoseContrastTrainingLib.training.recipe import Recipe

    from .parameters import LowDoseContrastTrainingParameterNode
    from .training_run import TrainingRun


class TrainingChecks:
    """Looks at data set, recipe and start together, as far as that is quick; nothing here loads PyTorch."""

    def reason(self, parameters: LowDoseContrastTrainingParameterNode, run: TrainingRun) -> str:
        """Why the command would refuse, in a sentence; empty if it would not. The folders are there already.

        Raises:
            InputError: what the command would raise.
        """
        if parameters.recipe == RECIPE_FILE and not run.canGoOn() and not os.path.isfile(parameters.recipeFile):
            return _("Choose the recipe's file.")
        try:
            self._check(parameters, run)
        except OSError as error:
            return _("The training cannot be read: {reason}.").format(reason=error)
        return ""

    def _check(self, parameters: LowDoseContrastTrainingParameterNode, run: TrainingRun) -> None:
        """Raises InputError."""
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastTrainingLib.dataset.manifest import data_set_of
        from LowDoseContrastTrainingLib.training.fine_tuning import check_start
        from LowDoseContrastTrainingLib.training.suitability import check_suits

        recipe, data = self._recipe(parameters, run), MANIFESTS.made(parameters.dataSetFolder, data_set_of)
        if run.canGoOn():
            if run.dataFingerprint() != data.fingerprint:
                raise InputError(
                    "",
                    _("The training in this folder learnt from another data set"),
                    _("choose that one, or another folder"),
                )
            hasOwnScale = run.startedFrom() is not None
        elif parameters.startFrom:
            hasOwnScale = check_start(parameters.startFrom, recipe)
        elif run.begun() and run.startedFrom() is not None:
            raise InputError(
                "",
                _("The training in this folder was stopped before it had read the model it starts from"),
                _("choose {name} again").format(name=run.startedFrom()),
            )
        else:
            hasOwnScale = False
        check_suits(data, recipe, hasOwnScale)

    def _recipe(self, parameters: LowDoseContrastTrainingParameterNode, run: TrainingRun) -> Recipe:
        """What the command would make of the choices."""
        from LowDoseContrastTrainingLib.training.recipes import load_recipe, recipe_from_dict

        if run.canGoOn():
            return recipe_from_dict(run.recipe())
        changes = RecipeChanges(parameters)
        base = load_recipe(changes.base)
        return recipe_from_dict({**base.to_dict(), **changes.values()}) if changes.values() else base
