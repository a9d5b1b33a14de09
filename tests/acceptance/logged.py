"""What is logged, in full."""

from __future__ import annotations

import logging
import traceback


class Everything(logging.Handler):
    """Keeps what a log file or an error tracker would get, with every exception in the chain."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), repr(record.args)]
        if record.exc_info and record.exc_info[1]:
            self.texts += traceback.format_exception(record.exc_info[1])
