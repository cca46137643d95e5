"""How a model is trained: one loop for all, its record and checkpoints, and a pure Adam."""

from dgm_core.training.checkpoints import CheckpointError, random_state_kept
from dgm_core.training.console import interrupt_deferred, progress_bar
from dgm_core.training.history import History
from dgm_core.training.loop import CHECK_EVERY, TrainingDiverged, adam, fit
from dgm_core.training.pure import adam_state, adam_step, named_parameters, parameter_vector

__all__ = [
    "CHECK_EVERY",
    "CheckpointError",
    "History",
    "TrainingDiverged",
    "adam",
    "adam_state",
    "adam_step",
    "fit",
    "interrupt_deferred",
    "named_parameters",
    "parameter_vector",
    "progress_bar",
    "random_state_kept",
]
