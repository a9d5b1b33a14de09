"""What the six everyday operations cost, beside the limit and beside others, on one machine."""
