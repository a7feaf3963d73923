"""Windows, and the examples they are cut from."""

from __future__ import annotations

import pytest
from made_features import HashEncoder, example, record

from graphlabel.embedding import load_encoder
from graphlabel.errors import UsageError
from graphlabel.protocol import CalibratedSettings, RawSettings, Strategy, Window
from graphlabel.protocol.correlation import embed_texts
from graphlabel.protocol.judging import judged_examples
from graphlabel.protocol.settings import ExampleSettings
from graphlabel.protocol.windows import window_text
from graphlabel.records import ActivationExample, FeatureRecord


def of(*tokens: str, peak: int) -> ActivationExample:
    return ActivationExample.of(tokens, tuple(float(i == peak) for i in range(len(tokens))))


@pytest.mark.parametrize(
    ("peak", "window", "plain", "whole"),
    [
        (2, Window(0, 0), "tin", " Austin"),
        (1, Window(0, 0), " Aus", " Austin"),
        (2, Window(-1, 0), " Austin", " Austin"),
        (1, Window(1, 1), "tin", "tin"),  # never over the peak
        (2, Window(-1, -1), " Aus", " Aus"),
        (0, Window(1, 1), " Aus", " Austin"),
        (3, Window(0, 3), " is big", " is big"),
        (4, Window(1, 2), None, None),
    ],
)
def test_whole_words(peak: int, window: Window, plain: str | None, whole: str | None) -> None:
    found = of("In", " Aus", "tin", " is", " big", peak=peak)
    assert window_text(found, window) == plain
    assert window_text(found, window, whole_words=True) == whole


def test_a_window_without_the_peak() -> None:
    found = of("a", " b", " c", " d", peak=2)
    assert window_text(found, Window(-8, 8, without_peak=True)) == "a b d"
    assert window_text(of("a", peak=0), Window(-8, 8, without_peak=True)) is None
    assert RawSettings(cross_without_peak=True).sides["cross"] == (Window(-8, 8, True),)
    assert CalibratedSettings().sides["cross"] == (Window(-8, 8),)


def many() -> FeatureRecord:
    top = [example(f"t{i} x", "x", 100 - i) for i in range(6)]
    weaker = [[example(f"s{q}{i} x", "x", 50 - 10 * q - i) for i in range(3)] for q in range(4)]
    return record(top, weaker=weaker)


def test_examples_from_the_top_or_from_every_stretch() -> None:
    def peaks(strategy: Strategy, n: int) -> list[float]:
        found = judged_examples(many(), ExampleSettings(n=n, examples=strategy))
        return [each.peak_activation for each in found.chosen]

    assert peaks(Strategy.TOP, 3) == [100, 99, 98]
    assert peaks(Strategy.QUANTILES, 4) == [50, 40, 30, 20]
    assert peaks(Strategy.QUANTILES, 6) == [50, 49, 40, 39, 30, 20]
    only_top = record([example(f"t{i} x", "x", 100 - i) for i in range(9)])
    spread = judged_examples(only_top, ExampleSettings(n=3, examples=Strategy.QUANTILES))
    assert [each.peak_activation for each in spread.chosen] == [100, 96, 92]


def test_what_is_left_out_is_counted() -> None:
    same = [example("x Dallas is big", "Dallas"), example("x Dallas is big", "Dallas", 2.0)]
    silent = example("y z", "z", 0.0)
    found = judged_examples(record([*same, silent]), ExampleSettings(n=10))
    assert (len(found.chosen), found.copies, found.silent) == (1, 1, 1)


def test_a_difference_beyond_eight_tokens_makes_no_other_example() -> None:
    middle = " ".join(f"m{i}" for i in range(8))
    far = [example(f"{start} {middle} x", "x", 1.0) for start in ("one", "two")]
    near = [example(f"{start} x", "x", 1.0) for start in ("one", "two")]
    settings = ExampleSettings(n=10)
    assert judged_examples(record(far), settings).copies == 1
    assert judged_examples(record(near), settings).copies == 0


def test_settings_that_make_no_score_are_refused() -> None:
    with pytest.raises(UsageError, match="no pair"):
        RawSettings(n=1)
    with pytest.raises(UsageError, match="before it begins"):
        RawSettings(output=Window(2, 1))
    with pytest.raises(UsageError, match="every side"):
        CalibratedSettings(output=())
    with pytest.raises(UsageError, match="draws"):
        CalibratedSettings(draws=3)


def test_what_means_nothing_to_the_real_encoder_is_compared_by_equality() -> None:
    encoder = load_encoder()
    texts = ["\u200b", "\ufffd", "\x07", "☃", "漢字", " \n", "\ud800", " Dallas", "naïve"]
    literal = embed_texts(encoder, texts).literals >= 0
    expected = [True, True, True, encoder.has_unknown("☃"), encoder.has_unknown("漢字")]
    assert literal.tolist() == [*expected, True, True, False, False]


def test_no_valid_unicode_never_reaches_an_encoder() -> None:
    encoder = HashEncoder()
    embed_texts(encoder, ["a\ud800", "b"])
    assert encoder.encoded == ["b"]
