"""What only Python can ask for: messages of every role, the host's own view, resuming."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.machine import ANY, KNOWN_SCOPES, OWNERS, ChatMachine
from tests.model.reference import SECOND
from tests.model.views import View

TAKES = st.sampled_from((0, 5 * SECOND, 31 * SECOND, 331 * SECOND))


class ServicesMachine(ChatMachine):
    """Asks by the verbs."""

    @rule(owner=OWNERS, scope=KNOWN_SCOPES)
    def resume_or_start(self, owner: str, scope: str) -> None:
        self.both(
            "resume_or_start",
            owner,
            lambda: self.model.resume_or_start(owner, scope),
            lambda: self.driver.resume_or_start(owner, scope),
        )

    @precondition(lambda self: self.ever)
    @rule(
        owner=OWNERS,
        which=ANY,
        role=st.sampled_from(("user", "assistant", "system")),
        again=ANY,
        stale=st.booleans(),
    )
    def add_message(self, owner: str, which: int, role: str, again: int, stale: bool) -> None:
        number, key = self.some(owner, which), self.key(again)
        text = self.said_with(owner, key)

        def expected() -> View:
            session = self.model.find(owner, number)
            return self.model.message_view(self.model.add_message(session, role, text, key))

        def actual() -> View:
            real = self.real(number)
            seen: View = self.driver.add_message(owner, real, role, text, key, stale=stale)
            return seen

        self.both("add_message", owner, expected, actual)

    @precondition(lambda self: self.ever)
    @rule(
        owner=OWNERS,
        which=ANY,
        again=ANY,
        takes=TAKES,
        answer=st.sampled_from(("It depends.", None)),
        stop=st.booleans(),
    )
    def record_turn(
        self, *, owner: str, which: int, again: int, takes: int, answer: str | None, stop: bool
    ) -> None:
        """The host answers in its own view; meanwhile time passes, and its reader may stop it."""
        number, key = self.some(owner, which), self.key(again)
        text = self.said_with(owner, key)
        asked: list[int] = []

        def expected() -> View:
            session = self.model.find(owner, number)
            reply, is_new = self.model.begin_turn(session, text, key)
            if not is_new:
                return {"created": False, "answer": reply.content, "lost": False}
            token = reply.token
            assert token is not None
            asked.append(reply.session.number)
            self.model.now += takes
            if stop:
                self.model.stop(reply.session)
            state = "failed" if answer is None else "answered"
            won = self.model.finish(reply, token, state, answer or "")
            return {"created": True, "answer": answer, "lost": not won}

        def meanwhile(is_new: bool) -> None:
            if is_new:
                self.pass_time(0)
                if stop:
                    self.driver.stop(owner, self.real(asked[0]))

        self.both(
            "record_turn",
            owner,
            expected,
            lambda: self.driver.record_turn(
                owner,
                self.real(number),
                question=text,
                key=key,
                answer=answer,
                meanwhile=meanwhile,
            ),
        )

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, again=ANY, stale=st.booleans())
    def add_turn(self, *, owner: str, which: int, again: int, stale: bool) -> None:
        """The answer is there already: as if the host's own view had taken no time."""
        number, key = self.some(owner, which), self.key(again)
        text = self.said_with(owner, key)

        def expected() -> View:
            session = self.model.find(owner, number)
            reply, is_new = self.model.begin_turn(session, text, key)
            if is_new:
                assert reply.token is not None
                self.model.finish(reply, reply.token, "answered", "At once.")
            return {"created": is_new, "answer": reply.content}

        def actual() -> View:
            real = self.real(number)
            seen: View = self.driver.add_turn(owner, real, text, "At once.", key, stale=stale)
            return seen

        self.both("add_turn", owner, expected, actual)

    def key(self, again: int) -> str:
        """Return a new key, or now and then one that was used."""
        if again < 2 and self.sent:
            return self.sent[-1 - again % len(self.sent)][2]
        return f"key-{len(self.sent):08}"

    def said_with(self, owner: str, key: str) -> str:
        """Return the text of a key: what was said with it, or something new."""
        for _owner, text, known, _scope in self.sent:
            if known == key:
                return text
        text = self.text()
        self.sent.append((owner, text, key, ""))
        return text
