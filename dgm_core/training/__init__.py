"""How a model or a game of two is trained: the loop, its record, and a pure Adam."""

from dgm_core.training.averaging import fit_average
from dgm_core.training.checkpoints import CheckpointError, random_state_kept
from dgm_core.training.console import interrupt_deferred, progress_bar
from dgm_core.training.game import play
from dgm_core.training.history import History
from dgm_core.training.loop import CHECK_EVERY, fit
from dgm_core.training.optimizers import adam, descend, fuses, game_adam
from dgm_core.training.pure import (
    adam_descent,
    adam_state,
    adam_step,
    named_parameters,
    parameter_vector,
    with_parameters,
)
from dgm_core.training.schedule import Schedule, constant, linear, warmup_cosine
from dgm_core.training.watch import TrainingDiverged

__all__ = [
    "CHECK_EVERY",
    "CheckpointError",
    "History",
    "Schedule",
    "TrainingDiverged",
    "adam",
    "adam_descent",
    "adam_state",
    "adam_step",
    "constant",
    "descend",
    "fit",
    "fit_average",
    "fuses",
    "game_adam",
    "interrupt_deferred",
    "linear",
    "named_parameters",
    "parameter_vector",
    "play",
    "progress_bar",
    "random_state_kept",
    "warmup_cosine",
    "with_parameters",
]
