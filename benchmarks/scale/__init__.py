"""Measurements with as many rows as years of a busy site leave behind."""
