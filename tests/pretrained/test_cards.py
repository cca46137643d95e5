"""The cards of the shipped models: every file is named, every number is the log's."""

import re

import pytest

from dgm_core.pretrained.shipped import (
    DIGIT_DENOISER,
    DIGIT_FLOW,
    DIGIT_JUDGE,
    DIGIT_MAP,
    DIGIT_PIXELCNN,
    digit_denoiser_log,
    digit_flow_log,
    digit_judge_log,
    digit_map_log,
    digit_pixelcnn_log,
)
from dgm_core.pretrained.untrained import DIGIT_MAP_DECODER, DIGIT_MAP_ENCODER

FOLDER = DIGIT_FLOW.parent
CARDS = (FOLDER / "README.md").read_text(encoding="utf8")


def card(heading: str) -> str:
    """Return the part of the page under a heading, without separators of thousands."""
    text = CARDS.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)


def test_every_shipped_file_is_named():
    named = set(re.findall(r"`(mnist-[\w.-]+)`", CARDS))
    shipped = {path.name for path in FOLDER.iterdir() if path.name.startswith("mnist-")}
    models = DIGIT_FLOW, DIGIT_JUDGE, DIGIT_MAP, DIGIT_PIXELCNN, DIGIT_DENOISER
    assert named == shipped and {path.name for path in models} <= shipped


def circumstances(log):
    """Words that each card of a model trained by a script with a log of its course has."""
    options = log["options"]
    threads = "1 thread" if log["threads"] == 1 else f"{log['threads']} threads"
    return (
        f"{options['epochs']} epochs in batches of {options['batch_size']}, {log['steps']} steps",
        f"learning rate {options['learning_rate']}, dropout {options['dropout']}",
        f"seed {options['seed']}; {options['precision']} on {threads}",
        f"{log['training seconds']:.0f} s",
        f"torch {log['torch'].split('+')[0]} on Python {log['python']}",
    )


def test_the_flow_s_numbers_are_those_of_its_log():
    log, text = digit_flow_log(), card("The flow of digits")
    test = log["test"]
    for words in (
        *circumstances(log),
        f"{test['bits per dimension']:.4f} bits per dimension on the {test['digits']} test digits",
        f"standard error {test['standard error']:.4f}",
    ):
        assert words in text


def test_the_narrow_flow_s_number_is_that_of_its_log():
    test = digit_flow_log(narrow=True)["test"]
    words = f"{test['bits per dimension']:.4f} bits per dimension on the same test digits"
    assert words in card("The flow of digits")


def test_the_judge_s_numbers_are_those_of_its_log():
    log, text = digit_judge_log(), card("The judge of generated digits")
    test = log["test"]
    for words in (
        f"{log['digits']} training digits",
        f"{log['epochs']} epochs, seed {log['seed']}",
        f"{test['accuracy']:.2%} of the {test['digits']} test digits",
        f"standard error {test['standard error']:.2%}",
        f"torch {log['torch'].split('+')[0]} on Python {log['python']}",
    ):
        assert words in text


def test_the_maps_numbers_are_those_of_its_log():
    log, text = digit_map_log(), card("The map of handwriting")
    options, held_out, test = log["options"], log["validation"], log["test"]
    gap = "gap between codes and prior"
    for words in (
        f"encoder of {' and '.join(map(str, DIGIT_MAP_ENCODER))} units",
        f"decoder of {len(DIGIT_MAP_DECODER)} layers of {DIGIT_MAP_DECODER[0]}",
        f"first {log['digits']} training digits",
        f"{options['epochs']} epochs in batches of {options['batch_size']}, {log['steps']} steps",
        f"learning rate {options['learning_rate']}, seed {options['seed']}",
        f"weighs {options['weight']:.0f} times",
        f"{log['precision']} on {log['threads']} thread",
        f"{log['training seconds']:.0f} s",
        f"ELBO {held_out['ELBO']:.2f} nats on the {held_out['digits']} digits held out",
        f"{test['ELBO']:.2f} on the {test['digits']} test digits".replace("-", "−"),
        f"standard error {test['standard error']:.2f}",
        f"{held_out[gap]:.3f} nats",
        f"torch {log['torch'].split('+')[0]} on Python {log['python']}",
    ):
        assert words.replace("-", "−") in text.replace("-", "−")


def test_the_pixelcnn_s_numbers_are_those_of_its_log():
    log, text = digit_pixelcnn_log(), card("The PixelCNN of binary digits")
    held_out, test = log["validation"], log["test"]
    for words in (
        *circumstances(log),
        f"{held_out['nats']:.2f} nats on the {held_out['digits']} digits held out",
        f"{test['nats']:.2f} on the {test['digits']} test digits",
        f"standard error {test['standard error']:.2f}",
    ):
        assert words in text


def test_the_denoiser_s_numbers_are_those_of_its_log():
    log, text = digit_denoiser_log(), card("The denoiser of digits")
    test = log["test"]
    for words in (
        *circumstances(log),
        f"Fréchet distance {test['Frechet distance']:.2f} of {test['samples']} samples",
        f"{test['digits']} test digits",
        str(test["steps of Heun's method"]) + " steps of Heun's method",
        f"training digits have {test['Frechet distance of real digits']:.2f}",
        f"{test['bits per dimension, bound']:.3f} bits per dimension",
        f"standard error {test['standard error']:.3f}",
    ):
        assert words in text


@pytest.mark.parametrize(
    "heading",
    [
        "The flow of digits",
        "The judge of generated digits",
        "The map of handwriting",
        "The PixelCNN of binary digits",
        "The denoiser of digits",
    ],
)
def test_a_card_says_what_is_asked_of_cards(heading):
    rows = set(re.findall(r"^\| ([A-Z][^|]*?) \|", card(heading), re.MULTILINE))
    assert {"Files", "Data", "Protocol", "Result", "Made by", "Limits"} <= rows
    assert "## Licence" in CARDS
