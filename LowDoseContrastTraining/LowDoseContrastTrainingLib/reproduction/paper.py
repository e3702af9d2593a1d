"""The numbers of the paper.

Brenha, Carneiro, Patrocinio: Pix-2-Pix Neural Network Proposal for Automatic Breast Images Contrast Correction. Its
losses are those of the last iteration, G_L1 with lambda, D_real and D_fake before the half; the CCI of a run is that of
one input, its target and what the network made of it.
"""

DATA = {
    "DICOM images": 35,
    "arrangements": 12,
    "arrangements at low and high dose": 11,
    "images in groups A and B": 22,
    "pairs of patches": 752,
    "pairs for training": 564,
    "pairs for testing": 188,
}

# Of each run: lambda L1, epochs, GAN mode, initialisation, filters of generator and discriminator.
SETTINGS = {
    "run1": (100, 200, "vanilla", "normal", 64, 64),
    "run2": (80, 300, "vanilla", "normal", 64, 64),
    "run3": (100, 200, "lsgan", "xavier", 64, 64),
    "run4": (100, 200, "lsgan", "xavier", 96, 32),
}
LOSSES = {
    "run1": {"G_GAN": 1.735, "G_L1": 3.371, "D_real": 0.379, "D_fake": 0.284},
    "run2": {"G_GAN": 1.842, "G_L1": 3.248, "D_real": 0.182, "D_fake": 0.223},
    "run3": {"G_GAN": 0.480, "G_L1": 3.357, "D_real": 0.025, "D_fake": 0.108},
    "run4": {"G_GAN": 0.425, "G_L1": 2.535, "D_real": 0.041, "D_fake": 0.152},
}
# Of each run: input, target, output.
CCI = {
    "run1": (0.696, 1.024, 0.899),
    "run2": (0.692, 0.992, 1.016),
    "run3": (0.629, 0.826, 0.861),
    "run4": (0.964, 1.181, 1.310),
}
GROUP_MEANS = {"low": 1.995, "high": 7.410}  # CCI of whole 8-bit images
