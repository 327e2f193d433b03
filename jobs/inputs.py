"""The input of a run: its shards, and what its patterns match besides."""

from rich.console import Console

from jobs.saying import say
from transforms.config import Config
from transforms.left_out import in_words
from transforms.shards import Found, found_in


def input_of(config: Config, console: Console) -> Found:
    """The shards of `config`; one line says what is left out, where anything is."""
    found = found_in(config.input)
    if found.left_out:
        say(console, in_words(found.left_out))
    return found
