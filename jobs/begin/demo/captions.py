"""What is said of a scene: captions, and the words that name each figure, tool and background."""

from random import Random
from typing import Literal

from jobs.begin.demo.scenes import Scene

Group = Literal["figure", "tool", "background"]

GROUPS: tuple[Group, ...] = ("figure", "tool", "background")

PHRASES: dict[Group, dict[str | None, tuple[str, ...]]] = {
    "figure": {
        "fox": ("a fox", "a red fox", "a young fox", "a vixen", "one of the foxes"),
        "owl": ("an owl", "a barn owl", "a young owl", "an owlet", "one of the owls"),
        "bear": ("a bear", "a brown bear", "a young bear", "a bear cub", "one of the bears"),
        None: ("nobody", "no animal"),
    },
    "tool": {
        "hammer": ("a hammer", "a mallet", "one of the hammers"),
        "brush": ("a brush", "a paintbrush", "one of the brushes"),
        "book": ("a book", "a storybook", "one of the books"),
        "ladder": ("a ladder", "a stepladder", "one of the ladders"),
        "bucket": ("a bucket", "a pail", "one of the buckets"),
        "umbrella": ("an umbrella", "a parasol", "one of the umbrellas"),
        None: ("nothing", "no tool"),
    },
    "background": {
        "meadow": ("on a meadow", "in the grass", "on a green hill"),
        "beach": ("at the beach", "by the sea", "on the sand"),
        "snow": ("in the snow", "in a snowy forest", "in winter"),
        "night": ("at night", "under the moon", "under the stars"),
    },
}
"""The phrases for each name of a group, None being absence. They serve as zero-shot prompts too."""

TEMPLATES: dict[Group, tuple[str, ...]] = {
    "figure": ("{}", "a picture of {}", "a drawing of {}"),
    "tool": ("{}", "a picture of {}", "a drawing of {}"),
    "background": ("a scene {}", "a picture {}", "a drawing {}"),
}
"""The sentences that zero-shot prompts are put into."""

LEXICON: dict[str, tuple[str, ...]] = {
    "fox": ("fox", "foxes", "vixen"),
    "owl": ("owl", "owls", "owlet"),
    "bear": ("bear", "bears"),
    "hammer": ("hammer", "hammers", "mallet"),
    "brush": ("brush", "brushes", "paintbrush"),
    "book": ("book", "books", "storybook"),
    "ladder": ("ladder", "ladders", "stepladder"),
    "bucket": ("bucket", "buckets", "pail"),
    "umbrella": ("umbrella", "umbrellas", "parasol"),
    "meadow": ("meadow", "grass", "green hill"),
    "beach": ("beach", "sea", "sand"),
    "snow": ("snow", "snowy", "winter"),
    "night": ("night", "moon", "stars"),
}
"""The terms of a caption lexicon that recognise each name wherever a caption tells it."""

LEFT_OUT = 0.3
GENERIC = 0.1

_GENERIC_FIGURES = ("an animal", "somebody", "a small creature")
_GENERIC_TOOLS = ("a tool", "something", "a useful thing")
_OPENINGS = ("", "", "a picture of ", "a drawing of ", "we see ")
_HOLDING = ("with", "holding", "carrying", "and")


def caption(scene: Scene, rng: Random) -> str:
    """A caption of the scene, as careless as captions are.

    A figure is left out with probability LEFT_OUT and called by a generic word with probability
    GENERIC, and so is a tool; where both are missing the background is told, otherwise mostly.
    """
    figure = _careless("figure", scene.figure, _GENERIC_FIGURES, rng)
    tool = _careless("tool", scene.tool, _GENERIC_TOOLS, rng)
    untold = figure is None and tool is None
    place = _phrase("background", scene.background, rng) if untold or rng.random() < 0.8 else None
    return _sentence(figure, tool, place, rng)


def description(scene: Scene, told: tuple[Group, ...], rng: Random) -> str:
    """A caption that tells the groups `told` in full, absence of a figure or a tool included."""
    figure = _phrase("figure", scene.figure, rng) if "figure" in told else None
    tool = _phrase("tool", scene.tool, rng) if "tool" in told else None
    place = _phrase("background", scene.background, rng) if "background" in told else None
    return _sentence(figure, tool, place, rng)


def _careless(group: Group, name: str | None, generic: tuple[str, ...], rng: Random) -> str | None:
    chance = rng.random()
    if name is None or chance < LEFT_OUT:
        return None
    return rng.choice(generic) if chance < LEFT_OUT + GENERIC else _phrase(group, name, rng)


def _phrase(group: Group, name: str | None, rng: Random) -> str:
    return rng.choice(PHRASES[group][name])


def _sentence(figure: str | None, tool: str | None, place: str | None, rng: Random) -> str:
    things = [thing for thing in (figure, tool) if thing is not None]
    if not things:
        return f"{rng.choice(('a scene', 'a picture', 'a drawing'))} {place}"
    subject = f" {rng.choice(_HOLDING)} ".join(things)
    if place is None:
        return rng.choice(_OPENINGS) + subject
    if rng.random() < 0.25:
        return f"{place}, {subject}"
    return f"{rng.choice(_OPENINGS)}{subject} {place}"
