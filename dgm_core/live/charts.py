"""Charts of live figures: series on two axes, which a graph drives and the page draws."""

from collections.abc import Sequence

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from dgm_core.live.base import CSS, module
from dgm_core.live.series import Number, Series, Values, as_array, check_limits, make_series


class Chart(anywidget.AnyWidget):
    """Lines, points, bars and bands on labelled axes, in the colours of what they are.

    Each method adds a series, drawn over those before it, and returns it: `Graph.drive` moves its
    traits, as it does the chart's own ``xmin``, ``xmax``, ``ymin`` and ``ymax``. A label stands
    beside its line where the chart finds room. Charts share a row, and the width of a page, with
    their neighbours.

    Args:
        xlabel: what the horizontal axis shows, with its unit.
        ylabel: what the vertical axis shows, with its unit.
        xlim: the ends of the horizontal axis; an end that is None follows the data.
        ylim: those of the vertical axis.
        xlog, ylog: whether an axis is logarithmic.
        categories: names in place of numbers under the bars.
        title: a line above the chart.
        alt: what the chart shows, for readers who do not see it; by default, its two labels.
        square: as high as it is wide, so that a unit is as long on either axis.
        width: its share of the row, beside others.

    Raises:
        ValueError: limits in the wrong order, infinite, or at or below 0 on a logarithmic axis.

    Example:
        >>> chart = Chart("x", "density", xlim=(-3, 3), ylim=(0, None))
        >>> curve = chart.line([-1, 0, 1], [0.2, 0.4, 0.2], label="p(x)")
        >>> curve.y.tolist() == np.float32([0.2, 0.4, 0.2]).tolist()
        True
    """

    _esm = module("chart.js")
    _css = CSS
    _options = traitlets.Dict().tag(sync=True)
    _series = traitlets.List().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    xmin = traitlets.CFloat(None, allow_none=True).tag(sync=True)
    xmax = traitlets.CFloat(None, allow_none=True).tag(sync=True)
    ymin = traitlets.CFloat(None, allow_none=True).tag(sync=True)
    ymax = traitlets.CFloat(None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        xlabel: str,
        ylabel: str,
        *,
        xlim: tuple[Number | None, Number | None] = (None, None),
        ylim: tuple[Number | None, Number | None] = (None, None),
        xlog: bool = False,
        ylog: bool = False,
        categories: Sequence[str] = (),
        title: str = "",
        alt: str = "",
        square: bool = False,
        width: Number = 1,
    ) -> None:
        for axis, (low, high), log in (("x", xlim, xlog), ("y", ylim, ylog)):
            check_limits(axis, low, high, log)
        super().__init__(
            alt=alt or f"Chart: {ylabel} against {xlabel}.",
            xmin=xlim[0],
            xmax=xlim[1],
            ymin=ylim[0],
            ymax=ylim[1],
            _options={
                "xlabel": xlabel,
                "ylabel": ylabel,
                "xlog": xlog,
                "ylog": ylog,
                "categories": list(categories),
                "title": title,
                "square": square,
            },
            layout=widgets.Layout(flex=f"{width:g} 1 {round(150 * width)}px", min_width="0"),
        )
        self.series: list[Series] = []

    def line(
        self,
        x: Values = (),
        y: Values = (),
        *,
        role: str = "model",
        label: str = "",
        dash: str = "solid",
        fill: bool = False,
        width: Number = 2,
    ) -> Series:
        """Add a line from point to point; it breaks where a number is not finite.

        Args:
            x: (N,), or nothing yet, where a graph drives it.
            y: (N,), or nothing yet.
            role: a key of `plotting.COLORS`.
            label: words beside the line.
            dash: "solid", "dashed" or "dotted".
            fill: whether the area under it is shaded, down to the axis.
            width: of the line, in pixels; a dashed or dotted one has three quarters of it.

        Raises:
            ValueError: an unknown role or dash, x and y that differ in length, or values that a
                logarithmic axis has no place for.
        """
        spec = {"dash": dash, "fill": fill, "width": width}
        return self._add("line", role, label, spec, x=x, y=y)

    def level(
        self,
        *,
        y: Number | None = None,
        x: Number | None = None,
        role: str = "truth",
        label: str = "",
        dash: str = "solid",
    ) -> Series:
        """Add a line across the whole chart, at a height or at a place.

        Args:
            y: where a horizontal line stands; its trait ``y`` has shape (1,).
            x: where a vertical one stands, instead.
            role: a key of `plotting.COLORS`.
            label: words beside the line.
            dash: as for `line`.

        Raises:
            ValueError: both x and y, or neither; or as for `line`.
        """
        if (x is None) == (y is None):
            raise ValueError("a level is either a height y or a place x")
        place = {"y": y} if x is None else {"x": x}
        return self._add("level", role, label, {"dash": dash}, **place)

    def points(
        self,
        x: Values = (),
        y: Values = (),
        *,
        role: str = "model",
        label: str = "",
        shade: Values = (),
        towards: str = "",
    ) -> Series:
        """Add points. Those outside of fixed limits stand hollow at the edge, and are counted.

        Args:
            x: (N,).
            y: (N,).
            role: a key of `plotting.COLORS`.
            label: words beside the points.
            shade: (N,), from 0, where a point has the colour of its role, to 1.
            towards: the role whose colour a point has at 1.

        Raises:
            ValueError: as for `line`; or a shade without a role to go towards.
        """
        if towards:
            spec = {"towards": towards}
            return self._add("points", role, label, spec, x=x, y=y, shade=shade)
        if np.size(as_array(shade)):
            raise ValueError("shaded points need a role whose colour they go towards")
        return self._add("points", role, label, {}, x=x, y=y)

    def dot(
        self,
        x: Values | Number = (),
        y: Values | Number = (),
        *,
        role: str = "model",
        label: str = "",
        hollow: bool = False,
    ) -> Series:
        """Add the point where the reader is; larger than those of `points`.

        Args:
            x: its place; the trait has shape (1,).
            y: its height.
            role: a key of `plotting.COLORS`.
            label: words beside it.
            hollow: a ring in place of a disc.

        Raises:
            ValueError: as for `line`.
        """
        return self._add("dot", role, label, {"hollow": hollow}, x=x, y=y)

    def bars(
        self, y: Values = (), *, low: Values | Number = 0.0, role: str = "model", label: str = ""
    ) -> Series:
        """Add a bar over each of the chart's categories.

        Args:
            y: (N,), where each bar ends.
            low: (N,) or a number, where it begins.
            role: a key of `plotting.COLORS`.
            label: words beside the bar.

        Raises:
            ValueError: not as many bars as categories; or as for `line`.
        """
        count = np.size(as_array(y))
        names = self._options["categories"]
        if count and count != len(names):
            raise ValueError(f"{count} bars for {len(names)} categories: give each bar its name")
        return self._add("bars", role, label, {}, y=y, low=low)

    def band(
        self, x: Values, low: Values, high: Values, *, role: str = "model", label: str = ""
    ) -> Series:
        """Add a shaded band between two curves, such as two standard errors around a line.

        Args:
            x: (N,).
            low: (N,), the lower edge.
            high: (N,), the upper one; it is the trait ``y``.
            role: a key of `plotting.COLORS`.
            label: words beside its upper edge.

        Raises:
            ValueError: as for `line`.
        """
        if np.size(as_array(low)) != np.size(as_array(x)):
            raise ValueError("the band's low and x differ in length")
        return self._add("band", role, label, {}, x=x, y=high, low=low)

    def _add(
        self, kind: str, role: str, label: str, spec: dict, **values: Values | Number
    ) -> Series:
        logarithmic = [axis for axis in ("x", "y") if self._options[f"{axis}log"]]
        spec = {"kind": kind, "role": role, "label": label, **spec}
        series = make_series(spec, values, logarithmic)
        self.series.append(series)
        self._series = [*self._series, f"IPY_MODEL_{series.model_id}"]
        return series
