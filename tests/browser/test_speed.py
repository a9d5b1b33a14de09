"""How fast it is in a real browser; `-s` prints the figures."""

from __future__ import annotations

import json
import re
import sys
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Page, Request, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Chat, Place
from tests.browser.conftest import MakeReader, Reader, Waiting
from tests.browser.site import Site

MESSAGES = 1000
SESSIONS = 30
DELTAS, WITHIN = 500, 200  # milliseconds
RENDERS = 20
KEYS = 40
KEY_TO_PAINT = 50  # milliseconds
OPENINGS = 15

# The page's event streams say what the test makes them say.
OWN_STREAMS = """
const send = window.fetch;
window.fetch = (address, options = {}) => {
  const accepted = options.headers?.Accept ?? '';
  if (!accepted.startsWith('text/event-stream')) return send(address, options);
  const body = new ReadableStream({ start: (stream) => { window.stream = stream; } });
  return Promise.resolve(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
};
const encoder = new TextEncoder();
window.say = (news) => {
  const updates = {
    cursor: 'c', sessions: [], messages: [], deltas: [], history_changed: false,
    server_time: new Date().toISOString(), ...news,
  };
  window.stream.enqueue(encoder.encode(`event: updates\\ndata: ${JSON.stringify(updates)}\\n\\n`));
};
"""

# Each commit of React changes the page in one go, and so is one call of an observer.
COUNT_RENDERS = """() => {
  const whatever = { subtree: true, childList: true, characterData: true, attributes: true };
  window.renders = { rows: {}, history: 0 };
  const rows = [...document.querySelectorAll('[role=log] article')];
  new MutationObserver((changes) => {
    const touched = new Set(changes.map(({ target }) =>
      rows.indexOf((target.closest ? target : target.parentElement).closest('article'))));
    for (const row of touched) window.renders.rows[row] = (window.renders.rows[row] ?? 0) + 1;
  }).observe(document.querySelector('[role=log]'), whatever);
  new MutationObserver(() => { window.renders.history += 1; })
    .observe(document.querySelector('nav.dcs-history'), whatever);
}"""

SAY_MUCH = """async ({ message, deltas, within }) => {
  const turn = () => new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = go;
    port2.postMessage(0);
  });
  const { id, session, attempt } = message;
  const began = performance.now();
  for (let at = 0, offset = 0; at < deltas; at += 1) {
    while (performance.now() - began < (at * within) / deltas) await turn();
    const text = `word${at} `;
    window.say({ deltas: [{ session, message: id, attempt, offset, text }] });
    offset += text.length;
  }
  return performance.now() - began;
}"""

TIME_KEYS = """(field) => {
  window.keys = [];
  field.addEventListener('keydown', ({ timeStamp }) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    // A task after the frame's work: what the frame shows is on its way to the screen.
    port1.onmessage = () => window.keys.push(performance.now() - timeStamp);
    port2.postMessage(0);
  }), { capture: true });
}"""

TIME_OPENING = """async (toggle) => {
  const began = performance.now();
  toggle.click();
  await null;
  const took = performance.now() - began;
  return [took, toggle.parentElement.querySelectorAll('.dcs-history-row').length];
}"""

TIME_FIRST_MESSAGE = """
const watch = new MutationObserver(() => {
  if (document.querySelector('[role=log] article') === null) return;
  watch.disconnect();
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { window.firstMessage = performance.now(); };
    port2.postMessage(0);
  });
});
watch.observe(document, { childList: true, subtree: true });
"""


def told(what: str, times: list[float]) -> float:
    """Print median and 95th percentile; return the median."""
    middle = median(times)
    tell(f"{what}: median {middle:.1f} ms, p95 {quantiles(times, n=20)[-1]:.1f} ms")
    return middle


def tell(figures: str) -> None:
    sys.stdout.write(f"\n{figures}\n")


def fill_transcript(site: Site, messages: int) -> None:
    """The only session gets so many messages, in turns of question and answer."""
    site.execute(
        """INSERT INTO subjects_chatmessage
             (sender, text, sent_at, position, state, error, attempt, metadata, chat_session_id)
           WITH RECURSIVE at(position) AS (
             SELECT 2 UNION ALL SELECT position + 1 FROM at WHERE position + 1 < ?)
           SELECT old.sender, 'Number ' || at.position || '. ' || old.text, old.sent_at,
             at.position, old.state, old.error, old.attempt, old.metadata, old.chat_session_id
           FROM at JOIN subjects_chatmessage old ON old.position = at.position % 2""",
        [messages],
    )
    site.execute("UPDATE subjects_chatsession SET message_count = ?", [messages])


def fill_history(site: Site, sessions: int) -> None:
    """The reader of the only session gets so many of them; the others have ended."""
    site.execute("UPDATE subjects_chatsession SET unread = FALSE")
    site.execute(
        """INSERT INTO subjects_chatsession
             (title, end_reason, ended_at, subject_id, visitor_key, scope, opened_at,
              last_activity_at, last_message_at, expires_at, preview, message_count, metadata)
           WITH RECURSIVE at(number) AS (
             SELECT 2 UNION ALL SELECT number + 1 FROM at WHERE number < ?)
           SELECT 'Chat number ' || at.number, 'user', opened_at, subject_id, visitor_key, scope,
             opened_at, last_activity_at, last_message_at, expires_at, preview, message_count,
             metadata
           FROM at, subjects_chatsession""",
        [sessions],
    )


def said_of(page: Page, path: str) -> Any:
    return page.evaluate("(path) => fetch(path).then((answer) => answer.json())", f"/chat/{path}")


def test_an_answer_that_pours_in_renders_its_own_row_and_only_once_per_frame(
    make_reader: MakeReader, waiting: Waiting, subject: Place
) -> None:
    reader = make_reader(waiting)
    chat = reader.chat(subject).open().ask(QUESTION)
    waiting.model.wait_until_asked()
    waiting.model.finish("The first answer.")
    expect(chat.finished).to_have_count(1)
    chat.page.close()

    reader.context.add_init_script(OWN_STREAMS)
    chat = reader.chat(subject).open().ask(OTHER_QUESTION)
    waiting.model.wait_until_asked()
    expect(chat.status).to_have_text("Thinking…")
    expect(chat.open_history().get_by_role("listitem")).to_have_count(1)
    [session] = waiting.sessions()
    message = said_of(chat.page, f"sessions/{session['id']}/messages")["messages"][-1]
    # The first news are all there is: a chat that they left out would be read again.
    news = {
        "sessions": [said_of(chat.page, f"sessions/{session['id']}")["session"]],
        "messages": [{**message, "state": "running"}],
    }
    chat.page.evaluate("(news) => window.say(news)", news)
    chat.page.evaluate("window.say({ deltas: [] })")
    chat.page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go, 100)))")

    chat.page.evaluate(COUNT_RENDERS)
    flood = {"message": message, "deltas": DELTAS, "within": WITHIN}
    took = chat.page.evaluate(SAY_MUCH, flood)
    expect(chat.answers.last).to_contain_text(f"word{DELTAS - 1}")
    shown = chat.answers.last.locator("p").first.inner_text()
    assert shown.split() == [f"word{at}" for at in range(DELTAS)]
    renders = chat.page.evaluate("window.renders")
    tell(f"{DELTAS} deltas in {took:.0f} ms: renders {json.dumps(renders)}")
    assert list(renders["rows"]) == ["3"], "the row of the answer, and no other"
    assert 0 < renders["rows"]["3"] <= RENDERS
    assert renders["history"] == 0
    waiting.model.finish("The second answer.")


def show_all(chat: Chat) -> None:
    older = chat.root.get_by_role("button", name="Show earlier messages")
    while older.is_visible():
        before = chat.messages.count()
        older.click()
        expect(chat.messages).not_to_have_count(before)
    expect(chat.messages).to_have_count(MESSAGES)


def test_typing_in_a_chat_of_a_thousand_messages_is_painted_at_once(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = visitor.chat(subject).open().converse(QUESTION)
    fill_transcript(site, MESSAGES)
    chat.reload()
    show_all(chat)
    chat.field.focus()
    chat.field.evaluate(TIME_KEYS)
    chat.page.keyboard.type("how does heat travel through space?"[:KEYS].ljust(KEYS, "."), delay=40)
    chat.page.wait_for_function("(keys) => window.keys.length === keys", arg=KEYS)
    times = chat.page.evaluate("window.keys")
    assert told(f"key to paint with {MESSAGES} messages", times) <= KEY_TO_PAINT


def test_a_history_of_thirty_is_one_request(
    visitor: Reader, site: Site, places: dict[str, Place]
) -> None:
    chat = visitor.chat(places["plain"]).open().converse(QUESTION)
    fill_history(site, SESSIONS)
    asked: list[str] = []

    def note(request: Request) -> None:
        if re.search(r"/chat/sessions(\?|$)", request.url):
            asked.append(request.url)

    chat.reload()
    chat.page.on("request", note)
    expect(chat.open_history().get_by_role("listitem")).to_have_count(SESSIONS)
    assert len(asked) == 1
    toggle = chat.root.get_by_role("button", name=chat.place.history, exact=True)
    times = []
    for _ in range(OPENINGS):
        toggle.click()
        expect(chat.history).to_have_count(0)
        took, rows = toggle.evaluate(TIME_OPENING)
        assert rows == SESSIONS
        times.append(took)
    told(f"opening a history of {SESSIONS}", times)


def test_the_first_message_is_painted_soon(visitor: Reader, site: Site, place: Place) -> None:
    chat = visitor.chat(place).open().converse(QUESTION)
    fill_transcript(site, 50)
    visitor.context.add_init_script(TIME_FIRST_MESSAGE)
    times = []
    for _ in range(5):
        chat.reload()
        chat.page.wait_for_function("() => window.firstMessage > 0")
        times.append(chat.page.evaluate("window.firstMessage"))
    told(f"navigation to first message ({place.name}, 50 messages)", times)
    expect(chat.messages).to_have_count(50)
