"""The stages on Spark."""
