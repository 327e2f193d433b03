"""A corpus that tests of loaders load by its weights, and what `resample` wrote of it."""

import pytest

from tests.weighed import Balanced, balanced


@pytest.fixture(scope="package")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Balanced:
    """300 samples in 12 shards, some of them dropped and some written twice."""
    return balanced(tmp_path_factory.mktemp("weighed"))
