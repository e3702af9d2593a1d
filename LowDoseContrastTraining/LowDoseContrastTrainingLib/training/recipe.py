"""A recipe: every hyper-parameter of a training, validated.

The defaults are those of the paper's first run, and of the reference implementation
(junyanz/pytorch-CycleGAN-and-pix2pix) where the paper is silent.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from LowDoseContrastLib.choices import DISCRIMINATORS, DOWNSAMPLINGS, INITIALISATIONS, NORMS
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.intensity import COMPOSITIONS, SCALES

from .choices import GAN_MODES, PENALTY_POINTS
from .schedule import RATE_POLICIES
from .selection import SELECTIONS


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters. The defaults are the paper's run 1.

    Attributes:
        direction: ``AtoB`` makes a high dose of a low one; ``BtoA`` a low dose of a high one. A
            residual's gain, the gain baseline and the model's domain turn round with it.
        architecture, ngf, norm, dropout: the generator's.
        discriminator, ndf, n_layers: the discriminator's.
        init, init_gain: how both start; ``answer_gain`` multiplies the generator's last layer.
        detail_init: None leaves the generator's first filters as ``init`` makes them (the
            reference); a number takes the mean out of three quarters of them and gives each that
            norm, so that noise a thousandth of the anatomy's contrast is seen from the start.
        gan_mode: ``vanilla`` (binary cross entropy), ``lsgan`` (least squares) or ``wgangp``
            (critic with gradient penalty; its authors advise against norm ``batch``).
        penalty_weight, penalty_constant, penalty_points: of ``wgangp``'s penalty: its weight, the
            slope it asks for, and where: ``mixed``, ``real`` or ``fake``.
        pool_size: of the pool of past fakes that the discriminator is shown (see
            :mod:`.image_pool`); 0 (the reference's pix2pix) has none.
        lambda_l1: weight of the L1 loss; ``gan_weight`` that of the adversarial one.
        gan_from: epochs of L1 alone before the discriminator joins (0: the reference).
        learning_rate, beta1, beta2: Adam's; ``discriminator_rate`` is the discriminator's own
            learning rate, None (the reference) the same.
        epochs, epochs_decay: at a constant rate, then falling linearly; the sum is what counts for
            the other policies.
        lr_policy: ``linear``, ``step`` (a tenth after every ``lr_step_epochs``), ``cosine``, or
            ``plateau`` (a fifth whenever the validation's L1 no longer falls; see :mod:`.schedule`).
        decay_step: ``end`` of the epoch (reference code of 2025) or its ``start`` (before); the
            same to ``plateau``.
        batch_size: patches a step; ``crops_per_patch`` steps through each patch that often.
        crop: ``resize`` (patch to 286, random crop of 256: the reference) or ``native``
            (random crop of ``crop_size`` pixels at the patch's own resolution).
        flip: random mirroring: ``none``, ``horizontal`` or ``both``.
        scale, scale_low, scale_high: what the network sees; low and high None take the data
            set's own scale. Pixel values.
        composition: ``direct`` or ``residual``; ``correction`` is the largest correction of a
            residual: nepers on a log scale, parts of half the span on a linear one. ``offset``
            is the detector's pixel value at zero exposure.
        detail_gain: None shows the discriminator whole patches (the reference); a number shows it
            tanh(detail_gain x (patch - its 9x9 mean)), in which noise texture is visible.
        precision: ``fp32``, ``bf16`` or ``auto`` (bf16 where the processor has it).
        ema: decay of the averaged weights that are saved, or 0 for the last weights.
        select: which epoch's model is kept: the best of the validation by ``l1`` or ``psnr`` among
            those with the discriminator, or the ``last`` (the reference).
        patience: epochs without a better one after which training stops, 0 for never.
        collapse_epochs: epochs after which a collapse (see :mod:`.divergence`) stops it, 0 for never.
        seed: of everything random.

    Raises:
        InputError: naming the field and what it may be.
    """

    name: str = "run1"
    direction: str = "AtoB"
    architecture: str = "unet_256"
    ngf: int = 64
    norm: str = "batch"
    dropout: bool = True
    discriminator: str = "basic"
    ndf: int = 64
    n_layers: int = 3
    init: str = "normal"
    init_gain: float = 0.02
    answer_gain: float = 1.0
    detail_init: float | None = None
    gan_mode: str = "vanilla"
    penalty_weight: float = 10.0
    penalty_constant: float = 1.0
    penalty_points: str = "mixed"
    gan_weight: float = 1.0
    gan_from: int = 0
    pool_size: int = 0
    lambda_l1: float = 100.0
    learning_rate: float = 2e-4
    discriminator_rate: float | None = None
    beta1: float = 0.5
    beta2: float = 0.999
    epochs: int = 100
    epochs_decay: int = 100
    lr_policy: str = "linear"
    lr_step_epochs: int = 50
    decay_step: str = "end"
    batch_size: int = 1
    crops_per_patch: int = 1
    crop: str = "resize"
    load_size: int = 286
    crop_size: int = 256
    flip: str = "horizontal"
    scale: str = "linear"
    scale_low: float | None = None
    scale_high: float | None = None
    composition: str = "direct"
    correction: float = 1.0
    offset: float = 0.0
    detail_gain: float | None = None
    precision: str = "fp32"
    ema: float = 0.0
    select: str = "l1"
    patience: int = 0
    collapse_epochs: int = 5
    seed: int = 0

    def __post_init__(self):
        choices = {
            "direction": ("AtoB", "BtoA"), "architecture": tuple(DOWNSAMPLINGS), "norm": NORMS, "discriminator": DISCRIMINATORS,
            "init": INITIALISATIONS, "gan_mode": GAN_MODES, "penalty_points": PENALTY_POINTS, "decay_step": ("start", "end"),
            "lr_policy": RATE_POLICIES,
            "crop": ("resize", "native"), "flip": ("none", "horizontal", "both"), "scale": SCALES,
            "composition": COMPOSITIONS, "precision": ("fp32", "bf16", "auto"),
            "select": SELECTIONS,
        }  # fmt: skip
        for field in dataclasses.fields(self):
            _check_type(field, getattr(self, field.name))
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise InputError("", f"recipe field {name} must be one of {', '.join(allowed)}, not '{getattr(self, name)}'")
        for name in ("ngf", "ndf", "n_layers", "lr_step_epochs", "batch_size", "crops_per_patch"):
            _at_least(self, name, 1)
        not_negative = (
            "epochs", "epochs_decay", "lambda_l1", "gan_weight", "gan_from", "pool_size", "penalty_weight", "penalty_constant", "patience",
            "collapse_epochs", "seed", "offset",
        )  # fmt: skip
        for name in not_negative:
            _at_least(self, name, 0)
        for name in ("learning_rate", "init_gain", "answer_gain", "correction"):
            if not getattr(self, name) > 0:
                raise InputError("", f"recipe field {name} must be above 0, it is {getattr(self, name)}")
        if self.discriminator_rate is not None and not self.discriminator_rate > 0:
            raise InputError("", f"recipe field discriminator_rate must be above 0, it is {self.discriminator_rate}")
        for name in ("beta1", "beta2", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError("", f"recipe field {name} must be at least 0 and below 1, it is {getattr(self, name)}")
        if self.patience and self.select == "last":
            raise InputError("", "recipe field patience needs select l1 or psnr: the last epoch is always better by 'last'")
        if self.total_epochs < 1:
            raise InputError("", "a recipe needs at least one epoch")
        multiple = 2 ** DOWNSAMPLINGS[self.architecture]
        if self.crop_size % multiple or self.crop_size < multiple:
            raise InputError("", f"recipe field crop_size must be a multiple of {multiple}, it is {self.crop_size}")
        if self.crop == "resize" and self.load_size < self.crop_size:
            raise InputError("", f"recipe field load_size must be at least crop_size, {self.crop_size}, it is {self.load_size}")

    @property
    def total_epochs(self) -> int:
        """Epochs at a constant rate and those of decay together."""
        return self.epochs + self.epochs_decay

    def to_dict(self) -> dict:
        """Return the fields, JSON-able."""
        return dataclasses.asdict(self)


def _check_type(field, value) -> None:
    kinds = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,), "float | None": (int, float, type(None))}
    wrong = not isinstance(value, kinds[field.type])
    if wrong or (isinstance(value, bool) and field.type != "bool"):
        raise InputError("", f"recipe field {field.name} must be of type {field.type}, it is {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError("", f"recipe field {field.name} must be a finite number, it is {value}")


def _at_least(recipe, name, least) -> None:
    if getattr(recipe, name) < least:
        raise InputError("", f"recipe field {name} must be at least {least}, it is {getattr(recipe, name)}")
