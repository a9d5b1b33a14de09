"""What the five everyday operations cost, beside the limit and beside others, on one machine."""
