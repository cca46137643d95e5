"""The widget that evaluates a live figure's function, with a kernel or without one.

With a kernel, Python evaluates the function whenever an input changes. On a rendered page there is
no kernel: the browser evaluates the same function, exported when the graph was made. Where the
extra ``dgm_core[pages]`` is not installed nothing is exported, and only a kernel evaluates.
"""

import contextlib
import traceback
import uuid
from collections.abc import Iterator, Mapping

import anywidget
import ipywidgets as widgets
import numpy as np
import torch
import traitlets
from torch import Tensor

from dgm_core.device import default_device
from dgm_core.live.arguments import check_names, check_shapes, check_state, own
from dgm_core.live.base import CSS, array_trait, module
from dgm_core.live.export import Exported, Function, can_export, outputs_of, to_onnx
from dgm_core.live.noise import Noise, check_laws
from dgm_core.live.page import describe, make_probe
from dgm_core.live.sources import check_source, shown_value, summarise


class Graph(anywidget.AnyWidget):
    """A function of inputs, noise and state whose outputs drive other widgets.

    Every input becomes a synced trait of its name, for ``jslink`` or :func:`live.sliders`. A
    graph without state runs whenever an input changes. A graph with state runs once a tick,
    ``steps_per_tick`` times, and feeds each output that has a state's name back into it; a
    :class:`live.Player` ticks. At first and after a reset it shows what the first step would put
    out, without taking it, and until that step is taken it follows its inputs.

    Args:
        function: called as ``function(**inputs, **noise, **state)`` with float32 tensors on
            ``device``; returns a dictionary of tensors. See :func:`live.export.to_onnx` for what
            it may do.
        inputs: initial values by name: numbers (0-d tensors for the function) or arrays.
        noise: what :func:`live.normal` or :func:`live.uniform` made, by name.
        state: initial tensors by name.
        device: where the kernel evaluates; by default, the best device there is.
        steps_per_tick: evaluations of a graph with state between two drawings.

    Attributes:
        outputs: the latest outputs as float32 numpy arrays, by name.
        input_names: of the inputs, each a trait.
        is_stateful: whether it feeds outputs back, and ticks.
        steps_per_tick: as above; may be changed at any time.
        draws, ticks, resets: counters for buttons; a change draws the "click" noise again,
            advances the state, or restores the initial state and draws the "reset" noise.

    Raises:
        ValueError: two arguments share a name, an input has the name of something that every graph
            has, such as ``run``, or a name is none; a state is no output of the same shape.
        TypeError: a noise that `live.normal` or `live.uniform` has not made; complex numbers.
        ExportError: the function cannot run on a page; where ``dgm_core[pages]`` is not
            installed, that is not looked at.

    Example:
        >>> graph = Graph(lambda a: {"square": a**2}, {"a": 3.0})
        >>> float(graph.outputs["square"])
        9.0
        >>> graph.a = 4.0  # as a slider does
        >>> float(graph.outputs["square"])
        16.0
    """

    _esm = module("graph.js")
    _css = CSS
    _key = traitlets.Unicode().tag(sync=True)
    _onnx = traitlets.Bytes().tag(sync=True)
    _spec = traitlets.Dict().tag(sync=True)
    _probe = traitlets.Bytes().tag(sync=True)
    _targets = traitlets.List().tag(sync=True)
    _summary = traitlets.Unicode("{}").tag(sync=True)
    _error = traitlets.Unicode("").tag(sync=True)
    draws = traitlets.Int(0).tag(sync=True)
    ticks = traitlets.Int(0).tag(sync=True)
    resets = traitlets.Int(0).tag(sync=True)
    steps_per_tick = traitlets.Int(1, min=1).tag(sync=True)
    _progress = traitlets.List([0, 0]).tag(sync=True)  # the last tick done, steps since a reset

    def __init__(
        self,
        function: Function,
        inputs: Mapping[str, float | np.ndarray | Tensor],
        noise: Mapping[str, Noise] | None = None,
        state: Mapping[str, float | Tensor] | None = None,
        device: torch.device | None = None,
        steps_per_tick: int = 1,
    ) -> None:
        self.outputs: dict[str, np.ndarray] = {}
        self._function, self._noise_laws = function, dict(noise or {})
        self._device = device or default_device()
        self._initial_state = {k: own(v) for k, v in (state or {}).items()}
        check_laws(self._noise_laws)
        self.input_names = list(inputs)
        self._state, self._drives = dict(self._initial_state), []
        self._noise = {name: law.draw() for name, law in self._noise_laws.items()}
        check_names(dir(self), inputs, self._noise_laws, self._initial_state)
        arrays = {k: own(v) for k, v in inputs.items()}
        feeds = self._on_device({**arrays, **self._noise, **self._state})
        if can_export():
            exported = to_onnx(function, feeds)
        else:  # the kernel evaluates; a page says that this figure was not exported
            exported = Exported(b"", dict(self._call(feeds)))
        check_state(self._initial_state, exported.outputs)
        # All at once: a front end may look as soon as the widget is open.
        super().__init__(
            _key=uuid.uuid4().hex,
            _onnx=exported.onnx,
            _spec=describe(arrays, self._noise_laws, self._initial_state, list(exported.outputs)),
            _probe=make_probe(feeds, self._call),
            steps_per_tick=steps_per_tick,
        )
        traits = {k: array_trait(v.numpy()) for k, v in arrays.items() if v.ndim}
        numbers = {k: float(inputs[k]) for k, v in arrays.items() if not v.ndim}
        self.add_traits(
            **traits, **{k: traitlets.CFloat(v).tag(sync=True) for k, v in numbers.items()}
        )
        self._show(exported.outputs)
        self.observe(lambda change: self._follow(), self.input_names)
        if state:
            self.observe(lambda change: self.run(), "ticks")
        self.observe(lambda change: self._redraw(), "draws")
        self.observe(lambda change: self._reset(), "resets")
        self.on_msg(self._answer)

    @property
    def is_stateful(self) -> bool:
        """Whether the graph feeds outputs back, and ticks."""
        return bool(self._initial_state)

    def _on_device(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.to(self._device) for name, tensor in tensors.items()}

    def _feeds(self) -> dict[str, Tensor]:
        self._renew("run")
        values = {name: getattr(self, name) for name in self.input_names}
        tensors = {k: own(v) for k, v in values.items()}
        check_shapes(tensors, self._spec["inputs"])
        return self._on_device({**tensors, **self._noise, **self._state})

    def run(self) -> None:
        """Evaluate now, in Python, and hand the outputs to the driven widgets.

        An error of the function is shown in the figure, in words, and raised.

        Raises:
            ValueError: an input has got another shape.
        """
        steps = self.steps_per_tick if self._state else 1
        with self._errors_shown():
            for _ in range(steps):
                outputs = self._call(self._feeds())
                self._state = {name: outputs[name] for name in self._state}
            self._show(outputs)
        if self._state:
            self._progress = [self.ticks, self._progress[1] + steps]

    @contextlib.contextmanager
    def _errors_shown(self) -> Iterator[None]:
        self._error = ""
        try:
            yield
        except BaseException as error:  # an interrupt, too
            self._error = "".join(traceback.format_exception_only(error)).strip()
            raise

    def _call(self, feeds: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        with torch.no_grad():
            return outputs_of(self._function, feeds)

    def _show(self, outputs: Mapping[str, Tensor]) -> None:
        self.outputs = {k: v.detach().float().cpu().numpy() for k, v in outputs.items()}
        self._summary = summarise(self.outputs)
        for drive in self._drives:
            self._apply(*drive)

    def _renew(self, occasion: str) -> None:
        for name, law in self._noise_laws.items():
            if law.redraw == occasion:
                self._noise[name] = law.draw()

    def _follow(self) -> None:
        if not self._state:
            self.run()
        elif not self._progress[1]:
            self._preview()

    def _preview(self) -> None:
        with self._errors_shown():
            self._show(self._call(self._feeds()))

    def _redraw(self) -> None:
        self._renew("click")
        self._follow()

    def _reset(self) -> None:
        self._state = dict(self._initial_state)
        self._renew("reset")
        self._preview()
        self._progress = [self.ticks, 0]

    def _answer(self, widget: widgets.Widget, content: dict, buffers: list) -> None:
        if content.get("type") == "hello":  # the page asks whether a kernel listens
            self.send({"type": "hello"})

    def drive(self, widget: widgets.Widget, **traits: str) -> "Graph":
        """Keep traits of a widget equal to outputs, with and without a kernel.

        Args:
            widget: any widget: labels, a chart or one of its series, the views of `live`.
            traits: by trait, the name of an output, or a text with fields such as
                ``"KL = {kl:.3f} nats"`` (``.3f``, ``+.2f``, ``.1e`` or ``.0%``; scalar outputs
                and inputs).

        Raises:
            ValueError: a trait, an output or a field does not exist, or a field is an array.
        """
        for trait, source in traits.items():
            if not widget.has_trait(trait):
                raise ValueError(f"{type(widget).__name__} has no trait {trait!r}")
            check_source(source, self._values())
            kind = "text" if "{" in source else "data"
            self._drives.append((widget, trait, source, kind))
            self._apply(widget, trait, source, kind)
            target = {"model": f"IPY_MODEL_{widget.model_id}", "trait": trait, "source": source}
            self._targets = [*self._targets, {**target, "kind": kind}]
            widget.observe(self._forget, "comm")
        return self

    def _forget(self, change: dict) -> None:
        """Drive a widget no more that is closed: a page would look for it in vain."""
        if change["new"] is None:
            kept = [
                k for k, (widget, *_) in enumerate(self._drives) if widget is not change["owner"]
            ]
            self._drives = [self._drives[k] for k in kept]
            self._targets = [self._targets[k] for k in kept]

    def _values(self) -> dict[str, np.ndarray | float]:
        return {name: getattr(self, name) for name in self.input_names} | self.outputs

    def _apply(self, widget: widgets.Widget, trait: str, source: str, kind: str) -> None:
        setattr(widget, trait, shown_value(source, kind, self._values()))
