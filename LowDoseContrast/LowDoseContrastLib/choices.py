"""The parts that a network can be made of, by name.

For whoever reads descriptions of networks and does not need torch.
"""

DOWNSAMPLINGS = {"unet_128": 7, "unet_256": 8}  # of the generators
NORMS = ("batch", "instance", "none")
NORM_STATISTICS = ("image", "running")  # what a batch norm uses outside of training: the image's own, or the training's
INITIALISATIONS = ("normal", "xavier", "kaiming", "orthogonal")
DISCRIMINATORS = ("basic", "n_layers", "pixel")
