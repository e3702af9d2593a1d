"""The paper's four runs, with the defaults of the reference implementation where the paper is silent."""

from __future__ import annotations

from typing import Any

from .recipe import Recipe

_RUN3: dict[str, Any] = {"init": "xavier", "gan_mode": "lsgan"}

FOUR_RUNS = {
    "run1": Recipe(),
    # "300 epochs" is taken as 150 at a constant rate and 150 of decay, in proportion to run 1.
    "run2": Recipe(name="run2", lambda_l1=80.0, epochs=150, epochs_decay=150),
    "run3": Recipe(name="run3", **_RUN3),
    "run4": Recipe(name="run4", ngf=96, ndf=32, **_RUN3),
}
