"""What a reader sees and touches of a model that trains in a live figure: a player, a cloud."""

import anywidget
import numpy as np
import traitlets

from dgm_core.live_views import View, array_trait
from dgm_core.plotting import COLORS


class Player(View):
    """Play, Pause, Step and Reset for a graph with state, with a kernel or without one.

    While it plays it advances the graph before every drawing of the screen, by as many steps as
    leave the page free to answer, and shows how many that makes a second. It rests while the
    figure is out of sight. When a number of the graph is not finite, or its output `alarm` is not
    0, it pauses and says so until a reset.

    Args:
        graph: a `live.Graph` with state.
        label: what is played, for the name of the group of buttons.
        alarm: name of a scalar output that is 0 as long as all is well; none by default.
        alarm_words: what it then says, after the number of steps.

    Raises:
        ValueError: the graph has no state, or no such output.
    """

    _graph = traitlets.Unicode().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _alarm = traitlets.List().tag(sync=True)

    def __init__(
        self,
        graph: anywidget.AnyWidget,
        *,
        label: str = "Training",
        alarm: str = "",
        alarm_words: str = "a number is no longer finite. Change an input, then press Reset.",
    ) -> None:
        if not graph._spec["state"]:
            raise ValueError("a graph without state has no steps to play")
        if alarm and alarm not in graph.outputs:
            raise ValueError(f"no output {alarm!r}; outputs are {', '.join(graph.outputs)}")
        reference = f"IPY_MODEL_{graph.model_id}"
        super().__init__(
            _view="player", _graph=reference, _label=label, _alarm=[alarm, alarm_words]
        )


class Cloud(View):
    """Data and generated points on a plane, over the field of a discriminator.

    Traits for `live.Graph.drive`: ``data`` and ``model``, (N, 2) each; ``field``, (size * size,),
    D(x) from the upper left corner row by row: towards the data's grey where it is above 1/2,
    towards the model's blue where it is below.

    Args:
        points: how many of either kind.
        size: points along either side of the field.
        extent: both axes run from -extent to extent.
        alt: what is shown, in words; ``Graph.drive`` may keep it up to date.
        names: what data, generated points and the field are called in the legend.
    """

    alt = traitlets.Unicode().tag(sync=True)
    _axes = traitlets.List().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _colors = traitlets.List([COLORS["data"], COLORS["model"]]).tag(sync=True)

    def __init__(
        self,
        points: int = 256,
        size: int = 32,
        *,
        alt: str,
        extent: float = 3.0,
        names: tuple[str, str, str] = ("data", "generated", "shade: what D takes it for"),
    ) -> None:
        super().__init__(
            _view="cloud", alt=alt, _axes=["x₁", "x₂", extent, size], _names=list(names)
        )
        cloud = np.zeros((points, 2))
        half = np.full(size * size, 0.5)
        self.add_traits(data=array_trait(cloud), model=array_trait(cloud), field=array_trait(half))
