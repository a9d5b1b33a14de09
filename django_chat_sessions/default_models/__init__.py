"""Ready-made tables, for hosts that have none of their own. Install it after the core app."""
