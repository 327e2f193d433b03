"""A lexicon beside the captions: terms that never occur, and what occurs in their place."""

from collections.abc import Mapping, Sequence

from transforms.config.observations import Observation
from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.likeness import inflected, slips
from transforms.stages.registrations import load_registrations

CAPTIONS = [
    "two firefighters and a nurse",
    "Firefighters at work",
    "a docter, a policewoman",
    "a young firefighters' van",
    "nurses",
]


def observed(given: Mapping[str, Sequence[str]], captions: Sequence[str]) -> list[Observation]:
    """What the lexicon notes of captions."""
    load_registrations()
    return list(RECOGNISERS["lexicon"].observe(given, captions))


def test_terms_that_no_caption_holds_are_listed() -> None:
    given = {
        "job.fire": ["firefighter", "fireman"],
        "job.nurse": ["nurse"],
        "who": ["NURSE", "van"],
    }
    found = observed(given, CAPTIONS)
    assert found[0].title == "lexicon: words that no caption holds"
    assert found[0].rows == (
        {"word": "firefighter", "of": "job.fire"},
        {"word": "fireman", "of": "job.fire"},
    )


def test_near_misses_are_counted_by_captions() -> None:
    given = {"job.fire": ["firefighter"], "job.nurse": ["nurse"], "job.doctor": ["doctor"]}
    near = observed(given, CAPTIONS)[-1]
    assert near.rows == (
        {"word": "firefighters", "captions": 3, "near": "firefighter", "of": "job.fire"},
        {"word": "docter", "captions": 1, "near": "doctor", "of": "job.doctor"},
        {"word": "nurses", "captions": 1, "near": "nurse", "of": "job.nurse"},
    )
    assert near.advice == (
        'no caption holds "firefighter", of job.fire, and 3 hold "firefighters": add it to the '
        "lexicon where it is meant",
        'no caption holds "doctor", of job.doctor, and 1 holds "docter": add it to the lexicon '
        "where it is meant",
    )


def test_what_some_name_finds_is_no_near_miss() -> None:
    given = {
        "man": ["policeman"],
        "woman": ["policewoman"],
        "fire": ["firefighter", "firefighters"],
    }
    assert all("near" not in one.title for one in observed(given, CAPTIONS))


def test_phrases_are_compared_word_by_word() -> None:
    given = {"fire": ["young firefighter", "a young man"]}
    near = observed(given, CAPTIONS)[-1]
    assert near.rows == (
        {
            "word": "young firefighters",
            "captions": 1,
            "near": "young firefighter",
            "of": "fire",
        },
    )


def test_a_lexicon_that_fits_has_nothing_to_be_noted() -> None:
    given = {"a": ["two", "work", "docter", "van", "nurses"]}
    assert observed(given, CAPTIONS)[1:] == []
    assert observed({"a": ["work"]}, CAPTIONS) == []


def test_scripts_with_marks_are_cut_between_words_alone() -> None:
    captions = ["दो नर्सें खेल रही हैं", "пожарные и пожарный"]
    given = {"nurse": ["नर्स"], "fire": ["пожарный", "пожарных"]}
    near = observed(given, captions)[-1]
    assert [(row["word"], row["near"]) for row in near.rows] == [
        ("пожарные", "пожарный"),
        ("नर्सें", "नर्स"),
    ]


def test_endings_and_slips() -> None:
    pairs = [("nurse", "nursing"), ("car", "cars"), ("lady", "ladies"), ("box", "boxes")]
    assert all(inflected(one, other) and inflected(other, one) for one, other in pairs)
    others = [("man", "many"), ("her", "here"), ("art", "party"), ("policeman", "policewoman")]
    assert not any(inflected(one, other) for one, other in others)
    for one, other in [
        ("docter", "doctor"),
        ("woman", "womam"),
        ("nurse", "nusre"),
        ("nure", "nurse"),
    ]:
        assert bool(slips(one) & slips(other)) == (min(len(one), len(other)) > 4)
    assert not slips("hammer") & slips("hairdresser")


def test_words_with_a_slip_and_split_or_joined_ones_are_near() -> None:
    pairs = [("nusre", "nurse"), ("fire fighter", "firefighter"), ("icecream", "ice cream")]
    for word, listed in pairs:
        near = observed({"a": [listed]}, [f"some {word} here"])[-1]
        assert [(row["word"], row["near"]) for row in near.rows] == [(word, listed)]
