"""People who chat for half an hour, and what they leave behind in the servers."""
