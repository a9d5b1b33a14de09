"""A language model that says what the test tells it to, when the test tells it to."""

from __future__ import annotations

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BETWEEN_WORDS = 0.05


class LanguageModel:
    """Speaks the protocol of chat completions. An answer goes on until `finish` or `reset`."""

    def __init__(self) -> None:
        self._asked: queue.Queue[_Answer] = queue.Queue()
        self._answers: list[_Answer] = []
        self._ready: str | None = None
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                answer = model._begin()
                try:
                    for piece in iter(answer.next_piece, None):
                        delta = {"choices": [{"delta": {"content": piece}}]}
                        self.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
                    self.wfile.write(b"data: [DONE]\n\n")
                except OSError:
                    pass  # the site was stopped, or took the answer away

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.reset()
        self._server.shutdown()
        self._server.server_close()

    def wait_until_asked(self) -> None:
        """Wait for the next question; the answer to it says nothing yet."""
        self._asked.get(timeout=20)

    def go_on(self, word: str) -> None:
        """Say this word again and again, so that the answer grows."""
        self._latest.repeated = word

    def finish(self, text: str) -> None:
        """Say the rest and be done."""
        self._latest.say(text)

    def answer_at_once(self, text: str) -> None:
        """Say this to whatever is still waiting for an answer, and to all that will be asked."""
        self._ready = text
        for answer in self._answers:
            answer.say(text)

    def hold_answers(self) -> None:
        """Let what is asked from now on wait."""
        self._ready = None

    def reset(self) -> None:
        """End whatever is still being said and forget what was asked."""
        self._ready = None
        for answer in self._answers:
            answer.repeated = ""
            answer.pieces.put(None)
        self._answers.clear()
        self._asked = queue.Queue()

    @property
    def _latest(self) -> _Answer:
        return self._answers[-1]

    def _begin(self) -> _Answer:
        answer = _Answer()
        self._answers.append(answer)
        self._asked.put(answer)
        if self._ready is not None:
            answer.say(self._ready)
        return answer


class _Answer:
    def __init__(self) -> None:
        self.pieces: queue.Queue[str | None] = queue.Queue()
        self.repeated = ""

    def say(self, text: str) -> None:
        """Say this last."""
        self.repeated = ""
        self.pieces.put(text)
        self.pieces.put(None)

    def next_piece(self) -> str | None:
        while True:
            try:
                return self.pieces.get(timeout=BETWEEN_WORDS)
            except queue.Empty:
                if self.repeated:
                    return self.repeated
