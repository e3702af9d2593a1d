"""The names of the files that a command writes into its folder, where later commands look for them."""

# simulate
SIMULATION_FILE = "simulation.json"
REDUCTION_FILE, NOISE_MODEL_FILE = "reduction.json", "noise-model.json"
SHEET_FILE = "contact-sheet.png"  # also of prepare

# prepare
PREPARE_FILE, MANIFEST_FILE = "prepare.json", "manifest.json"

# train
RECIPE_FILE, CHECKPOINT_FILE = "recipe.json", "checkpoint.pt"
MODEL_FILE, LAST_MODEL_FILE = "model.safetensors", "model-last.safetensors"
LOSSES_FILE, CURVES_FILE = "losses.csv", "curves.png"
SAMPLES_FOLDER, EVENTS_FOLDER = "samples", "tensorboard"

# evaluate
RESULTS_FILE, PATCHES_FILE, TRUTH_FILE = "results.json", "results.csv", "results-truth.csv"
REPORT_FILE = "report.html"

# controls
CONTROLS_FILE, CHECKS_FILE, TABLE_FILE = "controls.json", "controls.csv", "controls.md"

# reproduce
REPRODUCTION_FILE, NUMBERS_FILE, GROUPS_FILE = "reproduction.json", "numbers.json", "group-means.json"
PAGE_FILE = "reproduction.html"
