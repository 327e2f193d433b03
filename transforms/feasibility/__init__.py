"""What is attainable, at which rate, and why something is not."""
