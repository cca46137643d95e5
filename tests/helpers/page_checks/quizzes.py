"""Quizzes check themselves."""

from visits import Visit, check


@check("http", needs="quizzes")
def quizzes_check_themselves(visit: Visit) -> None:
    quizzes = visit.page.locator(".dgm-quiz").all()
    assert quizzes
    for quiz in quizzes:
        verdict = quiz.locator(".dgm-verdict")
        quiz.get_by_role("button", name="Check").click()
        assert quiz.get_by_role("status").inner_text() in (
            "Choose an answer first.",
            "Type a number first.",
        )
        verdicts = []
        radios = quiz.get_by_role("radio").all()
        for radio in radios:
            radio.check()
            quiz.get_by_role("button", name="Check").click()
            verdicts.append(verdict.get_attribute("data-verdict"))
        if radios:
            assert sorted(verdicts) == ["right"] + ["wrong"] * (len(radios) - 1)
        else:
            quiz.get_by_role("textbox").fill("-123456")
            quiz.get_by_role("button", name="Check").click()
            assert verdict.get_attribute("data-verdict") == "wrong"
