"""Measurements of the command for cron, beside people who chat."""
