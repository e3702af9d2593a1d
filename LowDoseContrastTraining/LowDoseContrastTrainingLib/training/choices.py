"""The parts that a training can be made of, by name; for whoever reads recipes and does not need torch."""

GAN_MODES = ("vanilla", "lsgan", "wgangp")
PENALTY_POINTS = ("mixed", "real", "fake")
