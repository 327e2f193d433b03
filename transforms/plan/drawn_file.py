"""What plan.json says of the draw: what will be written, counted before an image byte is read."""

from typing import Literal

from transforms.statistics.measures import Measures
from transforms.storage.documents import Count, Document, Finite


class FlipsFile(Document):
    """The file of the samples that get one copy more or fewer (transforms/plan/flips.py)."""

    count: Count
    bytes: Count
    digest: str


class ShardsFile(Document):
    """The file of what each shard gives to the output (transforms/resampling/shards_file.py).

    by: what output shards are packed by, and sizes in it are in.
    """

    by: Literal["samples", "bytes"]
    bytes: Count
    digest: str


class DrawnFigures(Document):
    """The copies that the output is to hold, the samples that they are of, and their measures.

    as_labelled: by recognised attributes, where these are not taken for true. excess: the largest
    excess of what is drawn over a bound that is asked for; 0 where all are met. flips: None where
    systematic sampling alone meets all that the plan meets. union: the measures of that and of what
    earlier generations wrote, where any did. lowered_from: where the rate was left open, the
    largest one found that weights attain all at, if a lower one was taken for what is drawn.
    """

    copies: Count
    kept: Count
    measures: Measures
    union: Measures | None = None
    as_labelled: Measures | None = None
    excess: float
    flips: FlipsFile | None = None
    shards: ShardsFile | None = None
    lowered_from: Finite | None = None

    @property
    def of_all(self) -> Measures:
        """The measures of all that the output is then to hold."""
        return self.union or self.measures
