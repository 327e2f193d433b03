"""What plan.json says of the draw: what will be written, counted before an image byte is read."""

from transforms.statistics.measures import Measures
from transforms.storage.documents import Count, Document


class FlipsFile(Document):
    """The file of the samples that get one copy more or fewer (transforms/plan/flips.py)."""

    count: Count
    bytes: Count
    digest: str


class DrawnFigures(Document):
    """The copies that the output is to hold, the samples that they are of, and their measures.

    as_labelled: by recognised attributes, where these are not taken for true. excess: the largest
    excess of what is drawn over a bound that is asked for; 0 where all are met. flips: None where
    systematic sampling alone meets all that the plan meets.
    """

    copies: Count
    kept: Count
    measures: Measures
    as_labelled: Measures | None = None
    excess: float
    flips: FlipsFile | None = None
