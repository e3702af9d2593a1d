"""A recipe: every hyper-parameter of a training, validated.

The defaults are those of the paper's first run, and of the reference implementation
(junyanz/pytorch-CycleGAN-and-pix2pix) where the paper is silent.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from LowDoseContrastLib.choices import DISCRIMINATORS, DOWNSAMPLINGS, INITIALISATIONS, NORMS
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.intensity import COMPOSITIONS, SCALES
from LowDoseContrastLib.settings import check, setting

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

    name: str = setting("run1")
    direction: str = setting("AtoB", choices=("AtoB", "BtoA"))
    architecture: str = setting("unet_256", choices=tuple(DOWNSAMPLINGS))
    ngf: int = setting(64, least=1)
    norm: str = setting("batch", choices=NORMS)
    dropout: bool = setting(True)
    discriminator: str = setting("basic", choices=DISCRIMINATORS)
    ndf: int = setting(64, least=1)
    n_layers: int = setting(3, least=1)
    init: str = setting("normal", choices=INITIALISATIONS)
    init_gain: float = setting(0.02, above=0)
    answer_gain: float = setting(1.0, above=0)
    detail_init: float | None = setting(None)
    gan_mode: str = setting("vanilla", choices=GAN_MODES)
    penalty_weight: float = setting(10.0, least=0)
    penalty_constant: float = setting(1.0, least=0)
    penalty_points: str = setting("mixed", choices=PENALTY_POINTS)
    gan_weight: float = setting(1.0, least=0)
    gan_from: int = setting(0, least=0)
    pool_size: int = setting(0, least=0)
    lambda_l1: float = setting(100.0, least=0)
    learning_rate: float = setting(2e-4, above=0)
    discriminator_rate: float | None = setting(None, above=0)
    beta1: float = setting(0.5, least=0, below=1)
    beta2: float = setting(0.999, least=0, below=1)
    epochs: int = setting(100, least=0)
    epochs_decay: int = setting(100, least=0)
    lr_policy: str = setting("linear", choices=RATE_POLICIES)
    lr_step_epochs: int = setting(50, least=1)
    decay_step: str = setting("end", choices=("start", "end"))
    batch_size: int = setting(1, least=1)
    crops_per_patch: int = setting(1, least=1)
    crop: str = setting("resize", choices=("resize", "native"))
    load_size: int = setting(286)
    crop_size: int = setting(256)
    flip: str = setting("horizontal", choices=("none", "horizontal", "both"))
    scale: str = setting("linear", choices=SCALES)
    scale_low: float | None = setting(None)
    scale_high: float | None = setting(None)
    composition: str = setting("direct", choices=COMPOSITIONS)
    correction: float = setting(1.0, above=0)
    offset: float = setting(0.0, least=0)
    detail_gain: float | None = setting(None)
    precision: str = setting("fp32", choices=("fp32", "bf16", "auto"))
    ema: float = setting(0.0, least=0, below=1)
    select: str = setting("l1", choices=SELECTIONS)
    patience: int = setting(0, least=0)
    collapse_epochs: int = setting(5, least=0)
    seed: int = setting(0, least=0)

    def __post_init__(self) -> None:
        check(self, "recipe field")
        if self.patience and self.select == "last":
            raise InputError(
                "",
                "recipe field patience needs select l1 or psnr: by 'last' the last epoch is always the best",
                field="patience",
            )
        if self.total_epochs < 1:
            raise InputError("", "a recipe needs at least one epoch", field="epochs")
        multiple = 2 ** DOWNSAMPLINGS[self.architecture]
        if self.crop_size % multiple or self.crop_size < multiple:
            raise InputError(
                "",
                f"recipe field crop_size must be a multiple of {multiple}, it is {self.crop_size}",
                field="crop_size",
            )
        if self.crop == "resize" and self.load_size < self.crop_size:
            raise InputError(
                "",
                f"recipe field load_size must be at least crop_size, {self.crop_size}, it is {self.load_size}",
                field="load_size",
            )

    @property
    def total_epochs(self) -> int:
        """Epochs at a constant rate and those of decay together."""
        return self.epochs + self.epochs_decay

    def to_dict(self) -> dict:
        """Return the fields, JSON-able."""
        return dataclasses.asdict(self)
