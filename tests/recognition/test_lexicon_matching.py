"""How a lexicon matches is an option of it: whole words, stems, parts of words."""

import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from tests.labelled import Labelled, labelling_config, sample
from transforms.base.errors import ConfigError
from transforms.config.files import parse_config
from transforms.config.sections import Config
from transforms.proxies.ranking import configured
from transforms.recognition.lexicon import Lexicon
from transforms.recognition.settings import settings_digest
from transforms.recognition.stemming import stems_in

REST = "input: {shards: a.tar}\nbalance: {eta: 0.5}\noutput: {url: out}\n"


def asking(lexicon: str, other: str = "[other]") -> Config:
    names = f"{{w: {{target: 0.5, lexicon: {lexicon}}}, v: {{target: 0.5, lexicon: {other}}}}}"
    return parse_config(f"{REST}attributes: {{g: {{names: {names}}}}}", "c.yaml")


def test_each_name_is_matched_in_its_own_way(tmp_path: Path) -> None:
    lexicons: dict[str, Any] = {
        "word": ["man"],
        "part": {"words": ["여자"], "match": "substring"},
        "stem": {"words": ["Nurse"], "match": "stem", "language": "English"},
        "stamm": {"words": ["Frau"], "match": "stem", "language": "german"},
    }
    names = {name: {"target": 0.2, "lexicon": lexicon} for name, lexicon in lexicons.items()}
    captions = {
        "a": "a man and two nurses",
        "b": "여자가 웃는다",
        "c": "zwei Frauen, womanly",
        "d": "a romance",
    }
    entries = [entry for key, text in captions.items() for entry in sample(key, txt=text)]
    labelled = Labelled(
        tmp_path, labelling_config(tmp_path, {"g": {"names": names}}, model={}), entries
    )
    assert {key: labelled.true(key) for key in captions} == {
        "a": {"s.g.word", "s.g.stem"},
        "b": {"s.g.part"},
        "c": {"s.g.stamm"},
        "d": set(),
    }


def test_a_phrase_of_stems_is_found_whole() -> None:

    columns = Lexicon({0: ["fire fighter"]}, stems_in("english")).columns
    assert columns("two fire-fighters' boots") == {0}
    assert columns("fire. Fighters") == columns("campfire fighter") == set()


def test_turkish_capitals_have_the_stems_of_their_small_letters() -> None:

    stem = stems_in("turkish")
    assert stem("KIZLAR") == stem("kızlar") == stem("kız") == "kiz"
    assert stem("I\u0307ŞÇİ") == stem("işçi")


@pytest.mark.parametrize(
    ("lexicon", "said"),
    [
        (
            "{words: w, match: stem, language: klingon}",
            r"lexicon: match: stem needs a language, one of arabic, .*, german, .*, yiddish, not "
            "'klingon'$",
        ),
        ("{words: w, match: stem}", "stem needs a language, one of arabic, .*, yiddish$"),
        ("{words: w, language: german}", "language is for match: stem alone, not for match: word"),
        ("{words: w, match: regex}", "lexicon.match: should be 'word', 'stem' or 'substring', not"),
        ("{words: []}", "lexicon.words: should have at least 1 item"),
        ("{match: stem, language: german}", "lexicon.words: missing"),
        ("{words: w, matches: stem}", "lexicon.matches: unknown key"),
        ("[w, 3]", r"lexicon\.1: should be text, not 3: put it in quotes"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(lexicon: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        asking(lexicon)
    assert re.search(said, str(caught.value), re.MULTILINE)


def test_words_of_two_names_with_one_stem_are_refused() -> None:
    girl, boy = (f"{{words: [{word}], match: stem, language: hindi}}" for word in ("लड़की", "लड़का"))
    with pytest.raises(ConfigError, match="g: 'लड़की' of w and 'लड़का' of v have one stem in hindi"):
        asking(girl, boy)
    assert asking(girl, "[लड़का]")
    assert asking(girl, girl)


def test_labels_are_made_again_only_where_another_match_is_asked_for() -> None:
    plain = settings_digest(asking("[w]"))
    assert settings_digest(asking("{words: w, match: word}")) == plain
    others = ["{words: w, match: substring}", "{words: w, match: stem, language: german}"]
    others.append("{words: w, match: stem, language: english}")
    assert len({plain, *(settings_digest(asking(other)) for other in others)}) == 4


@pytest.mark.parametrize("match", ["match: substring", "match: stem, language: german"])
def test_a_configuration_travels(match: str) -> None:
    config = asking(f"{{words: [w, Frauen], {match}}}")
    for again in (
        pickle.loads(pickle.dumps(config)),
        Config.model_validate_json(config.model_dump_json(round_trip=True)),
        Config.model_validate(config.model_dump()),
    ):
        assert again == config
        assert settings_digest(again) == settings_digest(config)
    assert configured(config) == {"w", "v", "frauen", "other"}
