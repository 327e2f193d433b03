"""`lexicon`: words and phrases in a caption."""

from functools import partial

from transforms.config.forms import Words
from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.caption_words import TermMatching, observe_words
from transforms.recognition.kinds import CaptionRecogniser
from transforms.recognition.lexicon import Lexicon, normalised

MATCHING: TermMatching[tuple[str, ...]] = TermMatching(
    terms=iter,
    alone=lambda terms, term: (term,),
    build=lambda terms: Lexicon(terms).columns,
)

RECOGNISERS.register(
    CaptionRecogniser(
        name="lexicon",
        about="whole words and phrases in the caption, in any case",
        form=Words,
        unset=(),
        original=True,
        terms=MATCHING.terms,
        marks=lambda terms: (normalised(term).strip() for term in terms),
        observe=partial(observe_words, matching=MATCHING),
        build=lambda terms, config: MATCHING.build(terms),
    )
)
