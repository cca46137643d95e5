"""How experiments are compared: what a ± is over, tables that say it, contests of equal work."""

from dgm_core.protocol.contests import Result, contest, operations
from dgm_core.protocol.measures import Measured, measure
from dgm_core.protocol.tables import Table, table

__all__ = [
    "Measured",
    "Result",
    "Table",
    "contest",
    "measure",
    "operations",
    "table",
]
