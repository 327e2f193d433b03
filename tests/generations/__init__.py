"""Tests of outputs that grow."""
