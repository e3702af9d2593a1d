"""One pix2pix step: the discriminator learns, then the generator (Isola et al. 2017)."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from LowDoseContrastLib.card import Architecture
from LowDoseContrastLib.device import Placement, choose_placement
from LowDoseContrastLib.discriminator import build_discriminator
from LowDoseContrastLib.generator import UNetGenerator
from LowDoseContrastLib.initialisation import initialise
from LowDoseContrastLib.intensity import Composition, IntensityScale
from torch import nn
from torch.nn import functional

from .distributed import Team
from .image_pool import ImagePool
from .losses import gan_loss, gradient_penalty
from .optimiser import DenseAdam
from .suitability import scale_of

if TYPE_CHECKING:
    from ..dataset.manifest import PairedDataSet
    from .recipe import Recipe

LOSS_NAMES = ("G_GAN", "G_L1", "D_real", "D_fake", "D_penalty")
DETAIL_WINDOW = 9  # pixels; what is finer than this is detail


def intensity_of(
    recipe: Recipe, data: PairedDataSet, kept: IntensityScale | None = None
) -> tuple[IntensityScale, Composition]:
    """Return how a recipe scales a data set's pixel values, and how answers become pixel values.

    The gain of a residual is the data set's dose ratio. ``kept`` is the scale of a model that is
    fine-tuned, which its weights have learnt.
    """
    scale = kept or scale_of(recipe, data.scale)
    if recipe.composition == "direct":
        return scale, Composition()
    strength = recipe.correction if scale.kind == "linear" else 2 * recipe.correction / scale.span
    return scale, Composition("residual", data.gain, strength, recipe.offset)


def architecture_of(recipe: Recipe) -> Architecture:
    """Return the generator's arguments."""
    return Architecture(recipe.architecture, 1, 1, recipe.ngf, recipe.norm, recipe.dropout)


def detail(image: torch.Tensor, gain: float) -> torch.Tensor:
    """Return tanh(gain x (image - its local mean)), (N, 1, H, W): texture without the anatomy."""
    half = DETAIL_WINDOW // 2
    # A square mean is a mean of means, much cheaper one axis at a time.
    mean = functional.avg_pool2d(image, (DETAIL_WINDOW, 1), 1, (half, 0), count_include_pad=False)
    mean = functional.avg_pool2d(mean, (1, DETAIL_WINDOW), 1, (0, half), count_include_pad=False)
    return torch.tanh(gain * (image - mean))


def keep_first_layer_precise(generator: UNetGenerator) -> None:
    """Run the first convolution in fp32 whatever the autocast.

    Rounding a whole radiograph to 8 bits of mantissa costs as much as its noise; the features
    behind the first layer are small differences and bear it.
    """
    first = next(m for m in generator.modules() if isinstance(m, nn.Conv2d))
    plain = first.forward

    def precise(x: torch.Tensor) -> Any:
        with torch.autocast(x.device.type, enabled=False):
            return plain(x.float())

    first.forward = precise


def _see_detail(filters: torch.Tensor, norm: float) -> None:
    """Make three quarters of the filters (out, in, 4, 4) blind to a constant, in place, of one norm."""
    chosen = filters[filters.shape[0] // 4 :]
    chosen -= chosen.mean(dim=(2, 3), keepdim=True)
    chosen *= norm / chosen.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


@dataclass(frozen=True)
class Losses:
    """Losses of one step as the reference implementation logs them.

    ``g_l1`` includes lambda; ``d_real`` and ``d_fake`` are before the factor of one half;
    ``d_penalty`` is the gradient penalty with its weight, 0 where there is none.
    """

    g_gan: float
    g_l1: float
    d_real: float
    d_fake: float
    d_penalty: float = 0.0

    def as_tuple(self) -> tuple[float, ...]:
        """Return the values in the order of ``LOSS_NAMES``."""
        return dataclasses.astuple(self)


class Pix2Pix:
    """Generator, discriminator, their optimisers and one step of training.

    Args:
        recipe: hyper-parameters; ``recipe.seed`` decides the first weights.
        scale, composition: from :func:`intensity_of`.
        placement: where it runs and in which precision; None is the CPU in the recipe's precision.
        weights: of a trained generator to start from, tensors by name, instead of fresh ones.
        team: the processes that train together.
    """

    def __init__(
        self,
        recipe: Recipe,
        scale: IntensityScale,
        composition: Composition,
        placement: Placement | None = None,
        weights: dict | None = None,
        team: Team = Team(),
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.scale, self.composition = recipe, scale, composition
        placement = placement or choose_placement("cpu", recipe.precision)
        self.device, self.low_precision = placement.device, placement.precision == "bf16"
        self.generator = self.new_generator()
        self.discriminator = build_discriminator(recipe.discriminator, 2, recipe.ndf, recipe.n_layers, recipe.norm)
        for network in (self.generator, self.discriminator):
            initialise(network, recipe.init, recipe.init_gain)
        with torch.no_grad():
            last = self.generator.blocks()[0].model[-2]
            last.weight *= recipe.answer_gain
            if recipe.detail_init is not None:
                _see_detail(self.generator.blocks()[0].model[0].weight, recipe.detail_init)
        if weights is not None:
            self.generator.load_state_dict(weights)
        self.pool = ImagePool(recipe.pool_size, recipe.seed + team.rank)
        self.discriminator.to(self.device, memory_format=self._layout)
        adam = {"lr": recipe.learning_rate, "betas": (recipe.beta1, recipe.beta2)}
        self.optimisers = tuple(
            DenseAdam(network.parameters(), **adam) for network in (self.generator, self.discriminator)
        )
        self._generate, self._discriminate = team.parallel(self.generator), team.parallel(self.discriminator)

    def new_generator(self) -> UNetGenerator:
        """Return a generator of the recipe with weights yet to be set, in the precision of this training."""
        generator = UNetGenerator(**dataclasses.asdict(architecture_of(self.recipe)))
        if self.low_precision:
            keep_first_layer_precise(generator)
        return generator.to(self.device, memory_format=self._layout)

    @property
    def _layout(self) -> Any:
        return torch.channels_last if self.low_precision else torch.preserve_format

    def set_rate(self, factor: float) -> float:
        """Set both learning rates to ``factor`` times the recipe's; return the generator's."""
        recipe = self.recipe
        rates = (recipe.learning_rate, recipe.discriminator_rate or recipe.learning_rate)
        for optimiser, rate in zip(self.optimisers, rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
        return rates[0] * factor

    def autocast(self) -> Any:
        """Return the context in which the networks run."""
        return torch.autocast(self.device, torch.bfloat16) if self.low_precision else contextlib.nullcontext()

    def enhance(self, low: torch.Tensor, generator: UNetGenerator | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (input, output) on the network's scale for pixel values (N, 1, H, W)."""
        low = low.to(self.device)
        seen = self.scale.normalise(low).to(memory_format=self._layout)
        with self.autocast():
            answer = (generator or self.generator)(seen)
        answer = answer.float()
        if self.composition.kind == "direct":
            return seen, answer
        return seen, self.scale.normalise(self.composition.compose(self.scale, low, answer))

    def view(self, image: torch.Tensor) -> torch.Tensor:
        """Return what the discriminator sees of an image (N, 1, H, W): all of it, or its detail."""
        return image if self.recipe.detail_gain is None else detail(image, self.recipe.detail_gain)

    def judge(self, seen: torch.Tensor, image: torch.Tensor, discriminator: nn.Module | None = None) -> torch.Tensor:
        """Return the discriminator's map for the view of an image beside that of its input."""
        with self.autocast():
            return (discriminator or self.discriminator)(torch.cat([seen, image], dim=1))

    def penalty(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return the gradient penalty of ``wgangp`` on pairs (N, 2, H, W), in fp32; 0 for the other modes."""
        recipe = self.recipe
        if recipe.gan_mode != "wgangp":
            return real.new_zeros(())
        return gradient_penalty(
            self.discriminator, real, fake, recipe.penalty_points, recipe.penalty_constant, recipe.penalty_weight
        )

    def step(self, low: torch.Tensor, high: torch.Tensor, adversarial: bool = True, weight: float = 1.0) -> Losses:
        """Train on one batch of pixel values, (N, 1, H, W) each; return its losses.

        Without ``adversarial`` the discriminator rests and the generator learns from L1 alone.
        ``weight`` is what this process's part of the batch counts for, 1 for an even share.
        """
        target = self.scale.normalise(high.to(self.device))
        seen, fake = self.enhance(low, self._generate)
        if not adversarial:
            g_l1 = functional.l1_loss(fake, target) * self.recipe.lambda_l1
            self._descend(self.optimisers[0], weight * g_l1)
            return Losses(0.0, g_l1.item(), 0.0, 0.0)
        mode = self.recipe.gan_mode
        seen_view, target_view, fake_view = (self.view(image) for image in (seen, target, fake))

        self.discriminator.requires_grad_(True)
        shown = self.pool.query(seen_view, fake_view)
        d_fake = gan_loss(self.judge(*shown, self._discriminate), False, mode)
        d_real = gan_loss(self.judge(seen_view, target_view, self._discriminate), True, mode)
        penalty = self.penalty(torch.cat([seen_view, target_view], dim=1), torch.cat(shown, dim=1))
        self._descend(self.optimisers[1], weight * ((d_fake + d_real) * 0.5 + penalty))

        self.discriminator.requires_grad_(False)
        g_gan = gan_loss(self.judge(seen_view, fake_view), True, mode)
        g_l1 = functional.l1_loss(fake, target) * self.recipe.lambda_l1
        self._descend(self.optimisers[0], weight * (self.recipe.gan_weight * g_gan + g_l1))
        return Losses(g_gan.item(), g_l1.item(), d_real.item(), d_fake.item(), penalty.item())

    @staticmethod
    def _descend(optimiser: Any, loss: torch.Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
