import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

/** Of the copy of the bundle that a test before has loaded, too. */
const watching: MutationObserver[] = [];
const Watching = class extends MutationObserver {
  override observe(...args: Parameters<MutationObserver["observe"]>) {
    watching.push(this);
    super.observe(...args);
  }
};

beforeEach(() => {
  for (const one of watching.splice(0)) one.disconnect();
  Reflect.deleteProperty(document, Symbol.for("django-chat-sessions"));
  vi.stubGlobal("MutationObserver", Watching);
  vi.resetModules();
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  document.documentElement.lang = "";
});

// A chat goes with its place; one that stayed would still work when there is no page any more.
afterEach(async () => {
  document.body.replaceChildren();
  await new Promise((resolve) => setTimeout(resolve));
});

const mount = async (attributes: string) => {
  document.body.innerHTML = `<div data-chat-sessions data-base-url="/chat" ${attributes}></div>`;
  await import("./main.js");
};

it.each([
  ['data-lang="de-AT"', "", "Nachricht", "de"],
  ['data-lang=""', "es_MX", "Mensaje", "es"],
  ['data-lang="en"', "fr", "Message", "en"],
  ['data-lang="xx"', "", "Message", "en"],
  ['data-lang="it"', "it", "Message", "en"],
  ['data-lang="en-gb"', "", "Message", ""],
  ['data-lang="it"', "en-GB", "Message", ""],
  ['data-lang="DE"', "", "Nachricht", "de"],
  ["", "", "Message", ""],
])("speaks the language of %s in a page in %j", async (attributes, page, label, said) => {
  document.documentElement.lang = page;
  await mount(attributes);
  expect(await screen.findByLabelText(label)).toBeTruthy();
  // What the page says of itself holds for it, too.
  expect(screen.getByRole("region", { name: "Chat" }).lang).toBe(said);
});

it("takes its texts and its look from the place", async () => {
  await mount(
    'data-title="Ask" data-placeholder="About ice…" data-greeting="Hello" data-theme="dark" data-layout="full"',
  );
  const chat = await screen.findByRole("region", { name: "Ask" });
  expect(screen.getByPlaceholderText("About ice…")).toBeTruthy();
  expect(await screen.findByText("Hello")).toBeTruthy();
  expect([chat.dataset.theme, chat.dataset.layout]).toEqual(["dark", "full"]);
  expect(screen.queryByRole("button", { name: "Chats" })).toBeNull();
});

it("has texts of its own where those of the place are empty", async () => {
  await mount('data-title="" data-placeholder="" data-greeting=""');
  expect(await screen.findByRole("region", { name: "Chat" })).toBeTruthy();
  expect(screen.getByPlaceholderText("Write a message…")).toBeTruthy();
  expect(await screen.findByText("How can I help?")).toBeTruthy();
});

it("has ids that no other React of the page has", async () => {
  await mount('data-history="sidebar"');
  await screen.findByRole("searchbox");
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  expect(ids.filter((id) => !id.includes("dcs"))).toEqual([]);
});

it("floats, and takes no nonsense", async () => {
  await mount('data-layout="floating" data-theme="pink" data-history="everywhere"');
  expect(await screen.findByRole("button", { name: "Open chat" })).toBeTruthy();
  expect(document.querySelector(".dcs-floating")?.hasAttribute("data-theme")).toBe(false);
});

it.each([
  ["of-this-page", "of-this-page"],
  ["", "of-another-site"],
])("sends the token that its page carries, whatever cookie of that name there is: %j", async (token, sent) => {
  // biome-ignore lint/suspicious/noDocumentCookie: as another site at this host name has left it
  document.cookie = "csrftoken=of-another-site";
  // 403: who is here cannot be known, and the page does not wait for it.
  const fetch = vi.fn<typeof globalThis.fetch>(async () => new Response("{}", { status: 403 }));
  vi.stubGlobal("fetch", fetch);
  await mount(`data-owner="ada" data-csrf-token="${token}"`);
  const field = await screen.findByLabelText("Message");
  fireEvent.change(field, { target: { value: "Why?" } });
  fireEvent.keyDown(field, { key: "Enter" });
  const posted = () => fetch.mock.calls.map(([, init]) => init).find((init) => init?.method === "POST");
  await waitFor(() => expect(posted()?.headers).toMatchObject({ "X-CSRFToken": sent }));
});

it("waits until the page is read whole", async () => {
  const state = vi.spyOn(document, "readyState", "get").mockReturnValue("loading");
  await mount("");
  await new Promise((resolve) => setTimeout(resolve));
  expect(document.querySelector(".dcs")).toBeNull();
  state.mockRestore();
  document.dispatchEvent(new Event("DOMContentLoaded"));
  expect(await screen.findByLabelText("Message")).toBeTruthy();
});

it("comes with a part that is put into the page, and goes with one that is taken out", async () => {
  await mount("");
  await screen.findByLabelText("Message");
  const later = document.createElement("section");
  later.innerHTML = '<div data-chat-sessions data-base-url="/later"></div>';
  const place = later.firstElementChild;
  document.body.replaceChildren(later);
  await waitFor(() => expect(place?.querySelector("textarea")).toBeTruthy());
  later.remove();
  await waitFor(() => expect(place?.childElementCount).toBe(0));
  document.body.append(later);
  await waitFor(() => expect(place?.querySelector("textarea")).toBeTruthy());
});

it("takes the place of a copy of itself, as a cache of pages has it", async () => {
  await mount("");
  await screen.findByLabelText("Message");
  const copy = document.body.firstElementChild?.cloneNode(true) as Element;
  const dead = copy.querySelector("textarea");
  expect(dead).toBeTruthy();
  document.body.replaceChildren(copy);
  await waitFor(() => expect(dead?.isConnected).toBe(false));
  await waitFor(() => expect(copy.querySelector("textarea")).toBeTruthy());
});

it("stays the same chat where its place is moved", async () => {
  await mount("");
  const field = await screen.findByLabelText("Message");
  const main = document.createElement("main");
  document.body.append(main);
  main.append(document.querySelector("[data-chat-sessions]") as Node);
  await new Promise((resolve) => setTimeout(resolve));
  expect(screen.getByLabelText("Message")).toBe(field);
});

it("is one chat where the script is loaded twice", async () => {
  await mount("");
  vi.resetModules();
  await import("./main.js");
  await screen.findByLabelText("Message");
  expect(screen.getAllByRole("region", { name: "Chat" })).toHaveLength(1);
});

it("watches the page once, however often a page that stays runs its script", async () => {
  await mount("");
  await screen.findByLabelText("Message");
  const before = watching.length;
  vi.resetModules();
  await import("./main.js");
  expect(watching).toHaveLength(before);
});

const SENT = '<div class="dcs dcs-widget"></div><noscript>JavaScript is off.</noscript>';

it.each(["panel", "floating"])(
  "is still there when a morphed page has what was sent in place of a %s",
  async (layout) => {
    await mount(`data-layout="${layout}"`);
    const content = () => document.querySelector(":is(section.dcs-widget, .dcs-floating)");
    await waitFor(() => expect(content()).toBeTruthy());
    const before = content();
    const [place] = document.querySelectorAll("[data-chat-sessions]");
    for (const _ of [1, 2]) {
      (place as Element).innerHTML = SENT;
      await waitFor(() => expect(content()).toBe(before));
      expect(place?.childElementCount).toBe(1);
    }
  },
);

it("comes in the place of what was sent, whatever else the page does meanwhile", async () => {
  document.body.innerHTML = `<div data-chat-sessions data-base-url="/chat">${SENT}</div>`;
  const change = () => document.body.append(document.createElement("p"));
  const { observe } = Watching.prototype;
  // Before anything of it is drawn.
  vi.spyOn(Watching.prototype, "observe").mockImplementation(function (this: MutationObserver, ...args) {
    observe.apply(this, args);
    queueMicrotask(change);
  });
  await import("./main.js");
  const field = await screen.findByLabelText("Message");
  vi.restoreAllMocks();
  change();
  await new Promise((resolve) => setTimeout(resolve));
  expect(field.isConnected).toBe(true);
  expect(screen.queryByText("JavaScript is off.")).toBeNull();
});

it("does not come back, dead, to a place that was emptied", async () => {
  await mount("");
  await screen.findByLabelText("Message");
  const [place] = document.querySelectorAll("[data-chat-sessions]");
  place?.replaceChildren();
  await new Promise((resolve) => setTimeout(resolve));
  expect(place?.childElementCount).toBe(0);
});

it("is that of the new page when a page is morphed into one about something else", async () => {
  await mount('data-title="Ice"');
  await screen.findByRole("region", { name: "Ice" });
  const [place] = document.querySelectorAll<HTMLElement>("[data-chat-sessions]");
  (place as HTMLElement).dataset.title = "Salt";
  (place as HTMLElement).innerHTML = SENT;
  expect(await screen.findByRole("region", { name: "Salt" })).toBeTruthy();
  expect(screen.queryByRole("region", { name: "Ice" })).toBeNull();
});

it("is left alone by a morph that asks first, unless the page is about something else", async () => {
  await mount('data-title="Ice"');
  await screen.findByRole("region", { name: "Ice" });
  const place = document.querySelector<HTMLElement>("[data-chat-sessions]") as HTMLElement;
  const isMorphed = (currentElement: HTMLElement, change: Record<string, string>) => {
    const newElement = currentElement.cloneNode() as HTMLElement;
    Object.assign(newElement.dataset, change);
    const detail = { currentElement, newElement };
    const asked = new CustomEvent("turbo:before-morph-element", { bubbles: true, cancelable: true, detail });
    return currentElement.dispatchEvent(asked);
  };
  expect(isMorphed(place, {})).toBe(false);
  expect(isMorphed(place, { title: "Salt" })).toBe(true);
  // What is in it is asked for only then, and makes room.
  expect(isMorphed(place.firstElementChild as HTMLElement, {})).toBe(true);
});

it.each([
  ["data-scope", "subject:2"],
  ["data-owner", "bob"],
  ["data-base-url", "/other"],
])("is another chat when a script changes %s alone, and none other", async (name, value) => {
  await mount('data-scope="subject:1" data-owner="ada"');
  const before = await screen.findByLabelText("Message");
  fireEvent.change(before, { target: { value: "Ada's words" } });
  const [place] = document.querySelectorAll<HTMLElement>("[data-chat-sessions]");
  place?.setAttribute("data-of-the-page", "anything");
  document.body.append(document.createElement("p"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(before.isConnected).toBe(true);
  place?.setAttribute(name, value);
  await waitFor(() => expect(before.isConnected).toBe(false));
  const { value: draft } = await screen.findByLabelText<HTMLTextAreaElement>("Message");
  expect(draft).toBe(name === "data-base-url" ? "Ada's words" : "");
});
