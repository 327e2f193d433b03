"""What a machine must have, a module a kind of thing; each check says how to mend what it finds."""
