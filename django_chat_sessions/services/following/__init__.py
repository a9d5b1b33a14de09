"""How readers follow what changes: the truth is read behind a cursor, hints say when to look."""
