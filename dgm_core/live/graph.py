"""The widget that evaluates a live figure's function, with a kernel or without one.

With a kernel, Python evaluates the function whenever an input changes. On a rendered page there is
no kernel: the browser evaluates the same function, exported when the graph was made. Where the
extra ``dgm_core[pages]`` is not installed nothing is exported, and only a kernel evaluates.
"""

import contextlib
import json
import keyword
import re
import traceback
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping

import anywidget
import ipywidgets as widgets
import numpy as np
import torch
import traitlets
from torch import Tensor

from dgm_core.checks import sizes
from dgm_core.device import default_device
from dgm_core.live.base import CSS, array_trait, module
from dgm_core.live.export import (
    Exported,
    Function,
    can_export,
    nudged,
    outputs_of,
    to_onnx,
)
from dgm_core.live.noise import Noise

_FIELD = re.compile(r"\{([^{}:]+)(?::\+?\.\d+[fe%])?\}")

# What a widget is given once it is there.
_TAKEN = {"_anywidget_id", "_onnx_file", "_model_id"}


class Graph(anywidget.AnyWidget):
    """A function of inputs, noise and state whose outputs drive other widgets.

    Every input becomes a synced trait of its name, for ``jslink`` or :func:`live.sliders`. A
    graph without state runs whenever an input changes. A graph with state runs once a tick,
    ``steps_per_tick`` times, and feeds each output that has a state's name back into it; a
    :class:`live.Player` ticks. At first and after a reset it shows what the first step would put
    out, without taking it.

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
        self._initial_state = {k: _own(v) for k, v in (state or {}).items()}
        for name, law in self._noise_laws.items():
            if not isinstance(law, Noise):
                raise TypeError(
                    f"noise {name!r} is a {type(law).__name__}: give its law, live.normal(...) or "
                    "live.uniform(...), of which numbers are drawn"
                )
        self._input_names = list(inputs)
        self._state, self._drives = dict(self._initial_state), []
        self._noise = {name: law.draw() for name, law in self._noise_laws.items()}
        self._check_names(inputs, self._noise_laws, self._initial_state)
        arrays = {k: _own(v) for k, v in inputs.items()}
        feeds = self._on_device({**arrays, **self._noise, **self._state})
        if can_export():
            exported = to_onnx(function, feeds)
        else:  # the kernel evaluates; a page says that this figure was not exported
            exported = Exported(b"", dict(self._call(feeds)))
        for name, value in self._initial_state.items():
            fed = exported.outputs.get(name)
            if fed is None or fed.shape != value.shape:
                found = "none of that name" if fed is None else f"{list(fed.shape)}"
                raise ValueError(
                    f"state {name!r} is {list(value.shape)}, and the output that is fed back is "
                    f"{found}: return the state anew, under its name and in its shape"
                )
        # All at once: a front end may look as soon as the widget is open.
        super().__init__(
            _key=uuid.uuid4().hex,
            _onnx=exported.onnx,
            _spec=self._describe(arrays, list(exported.outputs)),
            _probe=self._make_probe(feeds),
            steps_per_tick=steps_per_tick,
        )
        traits = {k: array_trait(v.numpy()) for k, v in arrays.items() if v.ndim}
        numbers = {k: float(inputs[k]) for k, v in arrays.items() if not v.ndim}
        self.add_traits(
            **traits, **{k: traitlets.CFloat(v).tag(sync=True) for k, v in numbers.items()}
        )
        self._show(exported.outputs)
        self.observe(lambda change: self.run(), ["ticks"] if state else self._input_names)
        self.observe(lambda change: self._redraw(), "draws")
        self.observe(lambda change: self._reset(), "resets")
        self.on_msg(self._answer)

    def _check_names(self, *kinds: Iterable[str]) -> None:
        """All are arguments of the function; those of the first kind become attributes, too."""
        names = [name for kind in kinds for name in kind]
        # Python reads the ligature ﬁ as fi, and would find no argument of that name. The last is
        # no name to JavaScript.
        bad = {name for name in names if unicodedata.normalize("NFKC", name) != name}
        bad |= {name for name in names if keyword.iskeyword(name) or not name.isidentifier()}
        bad |= {"__proto__"} & {*names}
        if bad:
            raise ValueError(
                f"{', '.join(sorted(bad))}: a name must be one that a function's argument can "
                "have, as Python reads it, and not __proto__"
            )
        clash = {name for name in names if names.count(name) > 1}
        clash |= {*kinds[0]} & {*dir(self), *_TAKEN}
        if clash:
            raise ValueError(f"these names are taken, choose others: {', '.join(sorted(clash))}")

    def _describe(self, inputs: Mapping[str, Tensor], output_names: list[str]) -> dict:
        """What the page has to know, beside the exported function."""
        return {
            "inputs": {name: list(value.shape) for name, value in inputs.items()},
            "noise": {
                name: {"law": noise.law, "shape": list(noise.shape), "redraw": noise.redraw}
                for name, noise in self._noise_laws.items()
            },
            "state": {
                name: {"shape": list(value.shape), "initial": value.flatten().tolist()}
                for name, value in self._initial_state.items()
            },
            "outputs": output_names,
        }

    def _make_probe(self, feeds: Mapping[str, Tensor]) -> bytes:
        """Feeds, sorted by name, and what PyTorch makes of them: the page checks itself so."""
        # As JavaScript sorts: by UTF-16's units, which is another order than that of Python.
        feeds = sorted(feeds.items(), key=lambda item: item[0].encode("utf-16-be"))
        feeds = {name: nudged(value) for name, value in feeds}
        values = [*feeds.values(), *self._call(feeds).values()]
        return (
            torch.cat([value.detach().float().cpu().flatten() for value in values])
            .numpy()
            .tobytes()
        )

    def _on_device(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.to(self._device) for name, tensor in tensors.items()}

    def _feeds(self) -> dict[str, Tensor]:
        self._renew("run")
        values = {name: getattr(self, name) for name in self._input_names}
        tensors = {k: _own(v) for k, v in values.items()}
        for name, shape in self._spec["inputs"].items():
            if list(tensors[name].shape) != shape:
                raise ValueError(
                    f"input {name!r} is {sizes(tensors[name].shape)}, but {sizes(shape)} is "
                    "expected: a figure's shapes are those that it was made with"
                )
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

    def _redraw(self) -> None:
        self._renew("click")
        if not self._state:
            self.run()

    def _reset(self) -> None:
        self._state = dict(self._initial_state)
        self._renew("reset")
        with self._errors_shown():
            self._show(self._call(self._feeds()))
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
            fields = _FIELD.findall(source)
            text = "{" in source
            leftover = _FIELD.sub("", source) if text else ""
            unknown = (set(fields) if text else {source}) - {*self.outputs, *self._input_names}
            if unknown or "{" in leftover or "}" in leftover:
                raise ValueError(
                    f"cannot show {source!r}: outputs are {', '.join(self.outputs)}; fields look "
                    "like {name}, {name:.3f}, {name:+.2f}, {name:.1e} or {name:.0%}"
                )
            for name in fields:
                if np.size(self.outputs.get(name, getattr(self, name, 0.0))) != 1:
                    raise ValueError(
                        f"{name!r} in {source!r} is an array, and words show one number: put its "
                        "mean, or one of them, among the outputs"
                    )
            kind = "text" if text else "data"
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

    def _apply(self, widget: widgets.Widget, trait: str, source: str, kind: str) -> None:
        if kind == "text":
            values = {name: getattr(self, name) for name in self._input_names} | self.outputs
            value = source.format(**{n: float(values[n]) for n in _FIELD.findall(source)})
        else:
            value = self.outputs[source] if source in self.outputs else getattr(self, source)
            value = np.asarray(value, np.float32)
            value = float(value) if value.ndim == 0 else value
        setattr(widget, trait, value)


def _own(value: object) -> Tensor:
    """Return a copy in float32, on the CPU: of arrays of any strides, read-only ones, too."""
    is_tensor = isinstance(value, Tensor)
    if value.is_complex() if is_tensor else np.iscomplexobj(value):
        raise TypeError("complex numbers came: give the figure their parts, .real and .imag")
    if is_tensor:
        return value.detach().to("cpu", torch.float32, copy=True)
    return torch.from_numpy(np.array(value, np.float32))


def summarise(outputs: Mapping[str, np.ndarray]) -> str:
    """Return outputs as JSON with 6 significant digits; long arrays as length, mean, min and max.

    Numbers that are not finite become null. The page writes the same for what it computes.
    """

    def number(value: float) -> float | None:
        return float(f"{value:.6g}") if np.isfinite(value) else None

    short = {}
    for name, array in outputs.items():
        flat = np.asarray(array, np.float64).ravel()
        if array.ndim == 0:
            short[name] = number(flat[0])
        elif flat.size <= 64:
            short[name] = [number(v) for v in flat]
        else:
            parts = {"mean": flat.mean(), "min": flat.min(), "max": flat.max()}
            short[name] = {"length": flat.size, **{k: number(v) for k, v in parts.items()}}
    return json.dumps(short)
