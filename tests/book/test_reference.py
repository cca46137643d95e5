"""The reference describes the whole package, and names in the text and the code lead to it."""

import re
from pkgutil import resolve_name

import pytest
import reference
from docutils import nodes
from package_source import NODES

PUBLIC = [f"dgm_core.{name}" for name in NODES if not name.endswith("__init__")]
# Where it is defined, by the name that a chapter imports.
DEFINED = {name: home for home, name in reference.homes().items()}


@pytest.fixture(scope="module")
def page(built_book) -> str:
    return (built_book / "book/api.html").read_text(encoding="utf8")


def test_every_public_name_is_described(page):
    there = set(re.findall(r'<dt class="sig [^>]*id="([^"]+)"', page))
    assert set(reference.definitions()) == there


def test_what_is_public_is_found_in_the_source():
    assert set(PUBLIC) - set(reference.homes()) == {"dgm_core.pretrained.__main__.main"}


def test_a_shape_is_written_as_a_reader_would():
    text = reference.signature(reference.definitions()["dgm_core.objectives.elbo"])
    assert text == (
        "(vae: VAE, x: Float[Tensor, 'batch event'], num_samples: int=1, "
        "beta: float | Float[Tensor, '']=1.0, "
        "noise: Float[Tensor, 'samples batch latent'] | None=None)",
        "Float[Tensor, 'batch']",
    )


def test_a_method_has_no_self_and_a_class_the_arguments_of_its_init():
    arguments, _ = reference.signature(reference.definitions()["dgm_core.flows.Flow.log_prob"])
    assert arguments == "(x: Float[Tensor, 'batch *event'])"
    arguments, result = reference.signature(reference.definitions()["dgm_core.vae.VAE"])
    assert arguments.startswith("(encoder: nn.Module, decoder: nn.Module") and result is None


def test_names_are_known_by_what_a_chapter_calls_them():
    known = reference.spellings()
    full = "dgm_core.objectives.elbo"
    assert known["elbo"] == known["objectives.elbo"] == known[full] == full
    assert known["live.Graph"] == known["Graph"] == "dgm_core.live.Graph"
    assert known["flows.Flow"] == known["flows.flow.Flow"] == "dgm_core.flows.Flow"
    assert known["dgm_core.training"] == "dgm_core.training"
    assert known["live.export"] == "dgm_core.live.export"
    assert known["live.export.to_onnx"] == "dgm_core.live.export.to_onnx"
    assert "sample" not in known and "training" not in known


def test_a_name_has_one_home_and_goes_by_the_door_of_its_room():
    assert len(DEFINED) == len(reference.homes())
    for name, home in DEFINED.items():
        assert reference.spellings()[home] == reference.spellings()[name] == name
        assert resolve_name(name) is resolve_name(home), name


def test_an_ambiguous_name_leads_nowhere():
    modules = [f"dgm_core.{module}." for module in sorted(reference.trees(), key=len)]
    shorts = []
    for home in reference.homes():
        module = next(module for module in reversed(modules) if home.startswith(module))
        shorts.append(home.removeprefix(module))
    for short in {s for s in shorts if shorts.count(s) > 1}:
        assert short not in reference.spellings()


def test_in_a_docstring_names_are_code_and_stars_are_stars():
    lines = ["See `fit`, ``x`` and :math:`|x|`; (*batch, event),", "log |det J|, *not* exact."]
    reference.mark_code(None, "function", "f", None, None, lines)
    assert lines == [
        r"See ``fit``, ``x`` and :math:`|x|`; (\*batch, event),",
        r"log \|det J\|, *not* exact.",
    ]


@pytest.mark.parametrize("chapter", ["vae/elbo", "gan/minimax"])
def test_what_a_chapter_imports_leads_to_its_description(built_book, page, chapter):
    text = (built_book / f"book/{chapter}.html").read_text(encoding="utf8")
    found = re.findall(r'<a class="dgm-name" href="\.\./api\.html#([^"]+)">', text)
    assert "module-dgm_core.live" in found and len(found) > 8
    for place in found:
        assert f'id="{place}"' in page


def test_an_inline_name_is_a_link_where_it_means_one_thing(built_book):
    text = (built_book / "book/notation.html").read_text(encoding="utf8")
    link = r'href="api\.html#dgm_core\.objectives\.elbo"[^>]*><code[^>]*><span[^>]*>elbo</span>'
    assert re.search(link, text)


def test_no_link_stands_in_a_link_or_a_heading():
    literal = nodes.literal("", "elbo")
    nodes.paragraph("", "", nodes.reference("", "", literal))
    assert reference.inside(literal)
    literal = nodes.literal("", "elbo")
    nodes.title("", "", literal)
    assert reference.inside(literal)
