"""A pool of past fakes for the discriminator (Shrivastava et al. 2017, arXiv 1612.07828, section 2.3)."""

from __future__ import annotations

import torch


class ImagePool:
    """Shows the discriminator fakes of earlier steps among those of now.

    While it fills, it keeps each fake and shows it. Once full, it shows each fake or, half of the
    time, one kept earlier at random, whose place the new one takes: the rule of the reference
    implementation. Its draws come from a generator of their own, so that a pool changes no other.

    Args:
        size: how many fakes it holds; 0 shows every fake as it is.
        seed: of the draws.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.kept: list[torch.Tensor] = []
        self.random = torch.Generator().manual_seed(seed)

    def query(self, seen: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (input, fake) to show for those of one step, (N, 1, H, W) each, detached."""
        fake = fake.detach()
        if not self.size:
            return seen, fake
        shown = [self._exchanged(pair) for pair in torch.cat([seen.detach(), fake], dim=1)]
        return torch.stack(shown).split(1, dim=1)

    def _exchanged(self, pair: torch.Tensor) -> torch.Tensor:
        """Return the pair (2, H, W) itself or an earlier one, and keep it where that is due."""
        if len(self.kept) < self.size:
            self.kept.append(pair)
            return pair
        if torch.rand((), generator=self.random) < 0.5:
            return pair
        place = int(torch.randint(self.size, (), generator=self.random))
        earlier, self.kept[place] = self.kept[place], pair
        return earlier

    def state_dict(self) -> dict:
        """Return the state for a checkpoint."""
        return {"kept": [pair.cpu() for pair in self.kept], "random": self.random.get_state()}

    def load_state_dict(self, state: dict, device: str) -> None:
        """Take the state of a checkpoint."""
        self.kept = [pair.to(device) for pair in state["kept"]]
        self.random.set_state(state["random"])
