"""A figure's place is as high as its widgets will be; what is not known has no place.

Whether that is so on the pages, in a browser, is checked in tests/pages.
"""

import json

import places


def widgets(**states):
    """The state of a page's widgets; `kind` names the model, `flex` and `display` the layout."""
    found = {"none": {"model_name": "LayoutModel", "state": {}}}
    for name, state in states.items():
        layout = {key: state.pop(key) for key in ("flex", "display") if key in state}
        found[f"{name}-layout"] = {"model_name": "LayoutModel", "state": layout}
        kind = state.pop("kind")
        state["layout"] = f"IPY_MODEL_{name}-layout"
        if kind in ("Chart", "Graph", "Pixels", "New"):
            state["_anywidget_id"] = f"dgm_core.live.views.{kind}"
            kind = "Any"
        found[name] = {"model_name": f"{kind}Model", "state": state}
    return found


def test_the_examples_of_a_pad_wrap_where_they_have_no_room():
    for names, high in (([*"12345"], [359, 359, 359]), ([*"123456"], [359, 359, 406])):
        state = widgets(pad={"kind": "Pad", "_names": names})
        state["pad"] = {
            "model_name": "AnyModel",
            "state": state["pad"]["state"] | {"_anywidget_id": "dgm_core.live.views.Pad"},
        }
        assert places.heights(state, "pad") == high


def test_buttons_wrap_where_they_have_no_room():
    state = widgets(choice={"kind": "ToggleButtons", "_options_labels": [*"abcdefg"]})
    state["style"] = {"model_name": "ToggleButtonsStyleModel", "state": {"button_width": "6.2em"}}
    state["choice"]["state"]["style"] = "IPY_MODEL_style"
    assert places.heights(state, "choice") == [places.ROW, 2 * places.ROW, 3 * places.ROW]
    state["style"]["state"]["button_width"] = ""
    assert places.heights(state, "choice") == [2 * places.ROW, 4 * places.ROW, 4 * places.ROW]


CHART = {"square": False, "title": ""}


def test_rows_of_a_box_add_up():
    state = widgets(
        slider={"kind": "FloatSlider"},
        words={"kind": "HTML", "value": "one<br>two &amp; three"},
        graph={"kind": "Graph"},
        other={"kind": "Graph"},
        hidden={"kind": "Graph", "display": "none"},
        box={"kind": "VBox", "children": ["slider", "words", "graph", "other", "hidden"]},
    )
    high = places.ROW + 2 * places.LINE + places.GRAPH  # one graph speaks for all
    assert places.heights(state, "box") == [high, high, high]


def test_words_wrap_between_words():
    assert places.wrapped("", 100) == 1 == places.wrapped("incomprehensibilities", 50)
    assert [places.wrapped("one two three", room) for room in (200, 60, 40)] == [1, 2, 3]


def test_neighbours_share_a_row_and_wrap_where_there_is_no_room():
    wide, narrow = (
        {"kind": "Chart", "_options": CHART, "flex": f"1 1 {px}px"} for px in (250, 250)
    )
    state = widgets(a=wide, b=narrow, box={"kind": "HBox", "children": ["a", "b"]})
    beside, below = 172 + places.CHART, 2 * (140 + places.CHART) + places.GAP
    assert places.heights(state, "box") == [beside, below, below]


def test_a_square_is_as_high_as_its_share_of_the_row_is_wide():
    square = {"square": True, "title": "T"}
    state = widgets(
        chart={"kind": "Chart", "_options": square, "flex": "1 1 150px"},
        picture={"kind": "Pixels", "_grid": [1, 1, 28, 28], "_zoom": 10, "title": ""},
        box={"kind": "HBox", "children": ["chart", "picture"]},
    )
    wide, *_ = places.heights(state, "box")
    assert wide == min(300, 688 - 280 - 24 - 60) + places.CHART + places.TITLE


def figure(name):
    view = json.dumps({"model_id": name, "version_major": 2})
    return (
        f'<script type="application/vnd.jupyter.widget-view+json">{view}</script>'
        '<div class="output text_html"><div class="dgm-caption" id="fig-a">'
        '<div class="dgm-instead" hidden><img class="dgm-still" src="data:"><div class="dgm-late">'
        "Words.</div></div><p>A caption.</p></div></div>"
    )


def test_the_picture_moves_into_the_place_and_the_caption_stays_below():
    state = widgets(slider={"kind": "FloatSlider"})
    text = places.reserve(figure("slider"), state)
    inside, _, after = text.partition('</div></div></div><div class="output text_html">')
    assert inside.startswith(
        '<div class="dgm-place" '
        'style="--dgm-wide: 32px; --dgm-narrow: 32px; --dgm-narrowest: 32px">'
    )
    assert inside.index("<script") < inside.index("dgm-instead") < inside.index("Words.")
    assert after == '<div class="dgm-caption" id="fig-a"><p>A caption.</p></div></div>'


def test_a_view_that_is_not_known_keeps_its_picture_in_the_caption():
    state = widgets(view={"kind": "New"}, box={"kind": "VBox", "children": ["view"]})
    assert places.heights(state, "box") is None
    assert places.reserve(figure("box"), state) == figure("box")
