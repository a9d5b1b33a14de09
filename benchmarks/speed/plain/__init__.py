"""A careful Django programmer's chat: two models, the right indexes, few statements."""
