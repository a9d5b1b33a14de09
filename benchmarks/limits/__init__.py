"""The limits over real HTTP: each of them just below, at and above it, and a flood."""
