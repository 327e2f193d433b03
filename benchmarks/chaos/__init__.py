"""Faults, measured: whole runs are disturbed at random, run again, and judged byte for byte.

`python -m benchmarks.chaos --runs 20 --seed 0` draws a small corpus, rebalances it undisturbed, and
then for each kind of fault `--runs` times into a fresh output. It prints how many samples were lost
or doubled and what else was wrong, and exits with 1 if anything was.
"""
