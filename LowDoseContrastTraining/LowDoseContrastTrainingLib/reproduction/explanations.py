"""Why our numbers are not the paper's, table by table, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from ..simulator.parameters import DOSES_MGY
from . import paper
from .comparison import Number
from .plan import QUICK_EPOCHS, QUICK_FILTERS, ReproductionPlan


def of_data(numbers: Sequence[Number]) -> list[str]:
    """Return the reasons for other counts."""
    watched = next(each.beside["watched while training"] for each in numbers if each.beside)
    return [
        "The paper's 35 images are not public; ours are simulated from the physics of the same detector, doses and kind "
        "of phantom.",
        "Which patches it left out as mostly background is not published. A least share of the breast of 0.6, the default "
        "of prepare, comes near its number.",
        f"It names no patches that were watched while training; ours watches {watched}, so fewer are trained on.",
    ]


def of_losses(numbers: Sequence[Number], plan: ReproductionPlan) -> list[str]:
    """Return the reasons for other losses."""
    means = [(each.ours, each.beside["mean of the last epoch"]) for each in numbers]
    away = sorted(abs(ours / mean - 1) for ours, mean in means if mean)
    quick = (
        f"This is the quick size: a quarter of the filters (the paper's divided by {QUICK_FILTERS}) and one epoch for "
        f"every {QUICK_EPOCHS} of the paper's. The losses are still falling."
    )
    return [
        *([quick] if plan.quick else []),
        "The paper's values are those of the last iteration, of one patch. Ours of the last iteration are "
        f"{100 * away[len(away) // 2]:.0f}% away from the mean of their own epoch (median), which stands beside them.",
        "G_L1 depends on how 14 bits became 8, which is not published, and on how much noise the target holds: no network "
        "can foresee it.",
        "D_real and D_fake say how well the discriminator tells pairs apart. They depend on how far the training has come, "
        "and have no right value.",
    ]


def of_patches(numbers: Sequence[Number]) -> list[str]:
    """Return the reasons for other CCIs of patches."""
    ends = [(each.beside["5th percentile"], each.paper, each.beside["95th percentile"]) for each in numbers]
    inside = sum(low <= value <= high for low, value, high in ends)
    ratios = [target / source for source, target, _ in paper.CCI.values()]
    ours = {(each.subject, each.quantity): each.ours for each in numbers}
    own = ours["run1", "target"] / ours["run1", "input"]
    return [
        "No public text says how the CCI is normalised, what it does at borders, or by how many degrees of freedom it "
        "divides. Ours is taken on the 8 bits of the patches, with the population deviation.",
        "The paper gives one patch for each run and not how it was chosen; ours are means over all held-out patches. "
        f"{inside} of its {len(numbers)} values lie between the 5th and the 95th percentile of ours.",
        f"Target over input is {own:.2f} for us, near the ratio of the doses less what the noise adds, since one scale "
        f"serves both. The paper's {min(ratios):.2f} to {max(ratios):.2f} fit images that were each stretched to their "
        "own range.",
        "A CCI above the target's, as in the paper's runs 2 to 4, is no better image: noise and gain raise it.",
    ]


def of_groups(numbers: Sequence[Number]) -> list[str]:
    """Return the reasons for other group means."""
    ratio = paper.GROUP_MEANS["high"] / paper.GROUP_MEANS["low"]
    ours = {(each.subject, each.quantity): each.ours for each in numbers}
    found = {name: ours[name, "high"] / ours[name, "low"] for name in dict.fromkeys(each.subject for each in numbers)}
    nearest = min(found, key=lambda name: abs(found[name] - ratio))
    doses = DOSES_MGY["high"] / DOSES_MGY["low"]
    return [
        f"The paper's means have the ratio {ratio:.2f}, more than the doses' {doses:.2f}. Texture grows by the dose ratio, "
        "noise by its root only; so only one scale for all images can come near it, and only where nothing saturates.",
        f"Of those tried, '{nearest}' comes nearest, with {found[nearest]:.2f}. Whole images hold the air around the "
        "breast, whose noise counts at the low dose and is gone at the high one, where it saturates.",
        "The size of the numbers is that of the window that became 8 bits, which is not published. No normalisation was "
        "tuned to meet the two.",
    ]


def of_fidelity() -> list[str]:
    """Return what the paper's numbers cannot say."""
    return [
        "The paper has no such table. Without it nothing tells a network from a mere gain, which needs no training.",
        "Of every arrangement some of these patches' neighbours were trained on; how much that flatters, the next table "
        "asks.",
    ]


def of_leakage(numbers: Sequence[Number], plan: ReproductionPlan) -> list[str]:
    """Return what the two ways to hold out make of the same recipe."""
    gap = next(each for each in numbers if each.quantity == "psnr_matched")
    more = "more" if gap.ours > 0 else "less"
    found = [
        f"Against the gain on the same patches, the random split looks {abs(gap.ours):.2f} dB {more} favourable than "
        "arrangements that were not seen."
    ]
    if plan.quick and max(gap.beside.values()) < 0:
        found.append(
            "Both are below the gain: so short a training has learnt nothing yet that could leak, and the two differ by "
            "chance."
        )
    return found
