"""Other ways to weigh a corpus, at the rate of M4: a module each, which registers a balancer."""
