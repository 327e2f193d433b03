"""The input of a run: its shards, and what its patterns match besides."""

from rich.console import Console

from jobs.saying import say
from transforms.config import Config
from transforms.inputs import found_apart
from transforms.left_out import in_words
from transforms.shards import Found


def input_of(config: Config, console: Console, found: Found | None = None) -> Found:
    """The shards of `config` (or `found` before); a line says what is left out, if anything is."""
    found = found or found_apart(config)
    if found.left_out:
        say(console, in_words(found.left_out))
    return found
