"""The commands of the training library, in the order of a study."""

from .controls import add_controls
from .evaluate import add_evaluate
from .prepare import add_prepare
from .reproduce import add_reproduce
from .simulate import add_simulate
from .train import add_train

COMMANDS = (add_simulate, add_prepare, add_train, add_evaluate, add_controls, add_reproduce)
