"""From a plan to output shards and their manifest."""
