"""What a configuration would recognise: a few samples labelled, and what is to be noted of them."""
