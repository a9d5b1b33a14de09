"""How a reply comes about: run outside the request, written under a lease, never trusted."""
