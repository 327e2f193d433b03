"""What earlier generations of an output that grows left: what each was made from, and wrote."""
