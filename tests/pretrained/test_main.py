"""The command that makes what ships hands its words to the right maker."""

import pytest

from dgm_core.pretrained import __main__ as command


@pytest.mark.parametrize("model", ["flow", "judge", "map", "pixelcnn", "denoiser"])
def test_the_first_word_chooses_the_maker_who_gets_the_others(monkeypatch, model):
    got = []
    monkeypatch.setitem(command.MAKERS, model, lambda words: got.append(words) or 3)
    assert command.main([model, "--digits", "9"]) == 3
    assert got == [["--digits", "9"]]


@pytest.mark.parametrize("words", [[], ["other"], ["--digits", "9"]])
def test_without_a_model_it_says_which_there_are(words, capsys):
    with pytest.raises(SystemExit):
        command.main(words)
    assert "flow,judge,map,pixelcnn,denoiser" in capsys.readouterr().err
