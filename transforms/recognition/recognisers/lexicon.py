"""`lexicon`: words and phrases in a caption."""

from transforms.config.forms import Words
from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.caption_words import observe_words
from transforms.recognition.kinds import CaptionRecogniser
from transforms.recognition.lexicon import Lexicon, normalised

RECOGNISERS.register(
    CaptionRecogniser(
        name="lexicon",
        about="whole words and phrases in the caption, in any case",
        form=Words,
        unset=(),
        original=True,
        terms=iter,
        marks=lambda terms: (normalised(term).strip() for term in terms),
        observe=observe_words,
        build=lambda terms, config: Lexicon(terms).columns,
    )
)
