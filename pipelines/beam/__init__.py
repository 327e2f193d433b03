"""The stages on Apache Beam."""
