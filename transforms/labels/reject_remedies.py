"""What has to be done to have a rejected sample: a run as it is labels its shard no more."""

import re

_LIMIT = re.compile(r"(?:input\.)?limits\.(max_\w+) = ")
_ANEW = "labels depend on it, and are all made anew"
_MEMBER = re.compile(r"has no (image|caption|metadata) member \(")
_FIELD = re.compile(r"the metadata field .* (?:does not hold one (?:text|number)|is not a finite)")
_NO_CAPTION = "has no caption for it"
_NO_ROW = "has no row for it"
_JOINED = "labels are then joined again, and no shard is read"
_DOTTED = "its key holds a dot"
_RECOGNISER = re.compile(r"the recogniser \S+ fails on it")
_NOT_READ = re.compile(
    r"nothing can be read from byte \d|the shard is empty|is cut short|is damaged|is no tar"
)


def reject_remedy(stage: str, error: str) -> str:
    """What to do about samples that were rejected at a stage with an error."""
    if limit := _LIMIT.search(error):
        return f"raise input.limits.{limit[1]} ({_ANEW})"
    if stage == "model":
        return (
            "see why the model fails on them; once it does not, delete done/labels/SHARD.json of "
            "the output, as the shard is labelled again then"
        )
    if stage == "table":
        return f"{_remedy_in_tables(error)}: {_JOINED}"
    if member := _MEMBER.search(error):
        return (
            f"add the member to the samples, or name its extension in input.members.{member[1]} "
            f"({_ANEW})"
        )
    if _FIELD.search(error):
        key = "input.caption_field" if stage == "caption" else "utility.field"
        return f"give the samples such a field, or correct {key} ({_ANEW})"
    if _RECOGNISER.search(error):
        return f"correct the recogniser and raise its version ({_ANEW}), or mend the samples"
    if _DOTTED in error:
        return "rename the members, so that no key holds a dot"
    if stage == "read" and _NOT_READ.search(error):
        return "put a whole copy in the place of the shard"
    return "mend the samples in their shards"


def _remedy_in_tables(error: str) -> str:
    if _NO_ROW in error:
        return "give these samples rows in the table, or let it say `missing: absent`"
    if _NO_CAPTION in error:
        return "give the captions of these samples, or their vectors"
    return "give these samples one number from 0 up in the column, or correct utility.column"
