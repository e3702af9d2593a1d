"""Where the parts of a reproduction lie in its folder; each run has a folder of its own name."""

from .plan import HONEST

ACQUISITIONS, PAIRS, HONEST_PAIRS = "acquisitions", "pairs", "pairs-by-arrangement"
EVALUATION, HONEST_EVALUATION = "evaluation", "evaluation-by-arrangement"
HONEST_RUN = f"{HONEST}-by-arrangement"
