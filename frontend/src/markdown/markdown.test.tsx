import { act, cleanup, render, screen, waitFor } from "@testing-library/react";
import ReactMarkdown from "react-markdown";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChatBench } from "../core/testing/chatBench.js";
import { translate } from "../core/testing/translator.js";
import { ChatProvider } from "../react/index.js";
import { ChatWidget } from "../ui/index.js";
import { germanWords } from "../words/de.js";
import { MarkdownContent } from "./index.js";

vi.mock("react-markdown", { spy: true });

beforeEach(() => {
  vi.mocked(ReactMarkdown).mockClear();
});
afterEach(cleanup);

async function rendered(text: string) {
  const { container } = render(<MarkdownContent text={text} author="assistant" isWriting={false} />);
  await waitFor(() => expect(container.querySelector(".dcs-markdown")).toBeTruthy());
  return container;
}

it("is plain text until the renderer is there, and then Markdown", async () => {
  const { container } = render(<MarkdownContent text={"**Ice** floats.\n\n* lighter"} author="assistant" isWriting />);
  expect(container.innerHTML).toBe('<p dir="auto">**Ice** floats.</p><p dir="auto">* lighter</p>');
  await waitFor(() => expect(container.querySelector("strong")?.textContent).toBe("Ice"));
  expect(container.querySelector("li")?.textContent).toBe("lighter");
});

it("shows tables, and headings below those of the chat", async () => {
  const headings = [1, 2, 3, 4, 5, 6].map((level) => `${"#".repeat(level)} Heat\n\n`);
  const container = await rendered(`${headings.join("")}| a | b |\n|---|---|\n| 1 | 2 |`);
  const tags = [...container.querySelectorAll(":is(h1, h2, h3, h4, h5, h6)")].map(({ tagName }) => tagName);
  expect(tags).toEqual(["H4", "H4", "H5", "H6", "H6", "H6"]);
  expect(container.querySelectorAll("td")).toHaveLength(2);
});

it("numbers a list as its author has, with room for the longest number", async () => {
  const texts = ["99. Ice\n100. Salt", "100. Ice", "98. Ice\n99. Salt", "10. Ice"];
  const lists: (HTMLOListElement | null)[] = [];
  for (const text of texts) lists.push((await rendered(text)).querySelector("ol"));
  expect(lists.map((list) => list?.getAttribute("start"))).toEqual(["99", "100", "98", "10"]);
  const [three, alsoThree, two, alsoTwo] = lists.map((list) => list?.style.paddingInlineStart);
  expect([three, two]).toEqual([alsoThree, alsoTwo]);
  expect(three).not.toBe(two);
});

it("gives each part of an answer but code the direction of its own words, and nothing within it another one", async () => {
  const parts = [
    "It is said so:",
    "مرحبا بالعالم",
    "1. مرحبا\n\n   أهلا\n2. a",
    "## سلام",
    "> سلام",
    "```\nif x:\n    # سلام\n```",
    "سلام[^1]\n\n[^1]: شكرا",
  ];
  const container = await rendered(parts.join("\n\n"));
  const directed = [...container.querySelectorAll("[dir]")].map(({ tagName, parentElement }) => [
    tagName,
    parentElement?.tagName,
  ]);
  expect(directed).toEqual([
    ...["P", "P", "OL", "H4", "BLOCKQUOTE", "P"].map((tag) => [tag, "DIV"]),
    ...["H4", "OL"].map((tag) => [tag, "SECTION"]),
  ]);
});

it("shows a list of tasks with signs, and no field that has no name", async () => {
  const container = await rendered("- [x] Ice\n- [ ] Salt");
  expect(container.querySelector("input")).toBeNull();
  expect([...container.querySelectorAll("li")].map((item) => item.textContent?.trim())).toEqual(["☑ Ice", "☐ Salt"]);
});

it.each([
  ["*Ice* floats", " on water."],
  ["**Ice is *less* dense", " than water**."],
  ["- [ ] Ice\n- [x] Salt", " melts [it](javascript:x) *soon*."],
])("shows the rest of what a browser has begun to translate: %s", async (text, rest) => {
  const { container, rerender } = render(<MarkdownContent text={text} author="assistant" isWriting />);
  await waitFor(() => expect(container.querySelector(".dcs-markdown")).toBeTruthy());
  translate(container);
  rerender(<MarkdownContent text={text + rest} author="assistant" isWriting={false} />);
  const whole = await rendered(text + rest);
  expect(container.textContent).toBe(whole.textContent);
  expect(container.querySelector("em")).not.toBeNull();
});

it("leaves what the reader wrote as it was written", async () => {
  const text = "2 * 3 * 4 and **this**";
  const { container } = render(
    (["user", "assistant"] as const).map((author) => (
      <MarkdownContent key={author} text={text} author={author} isWriting={false} />
    )),
  );
  // The answer beside it is rendered: the renderer is there.
  await waitFor(() => expect(container.querySelector("strong")).toBeTruthy());
  expect(container.firstChild?.textContent).toBe(text);
});

describe("what may not do harm", () => {
  it.each([
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java&#x73;cript:alert(1))",
    "[a](<java\nscript:alert(1)>)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:x)",
    "[a](//elsewhere.example)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "<script>globalThis.hacked = 1</script>",
    '<img src=x onerror="globalThis.hacked = 1">',
    '<a href="javascript:alert(1)" onclick="alert(1)">a</a>',
    "<svg onload=alert(1)>",
    '<iframe src="https://elsewhere.example"></iframe>',
    "<style>*{display:none}</style>",
  ])("%j", async (text) => {
    const container = await rendered(`before ${text}\n\n${text}`);
    expect(container.querySelector("a, img, script, svg, iframe, style, [onclick], [onerror], [onload]")).toBeNull();
    expect(container.textContent).toContain("before");
  });

  it("pictures from elsewhere are links, and those of this site pictures", async () => {
    const container = await rendered("![A map](https://elsewhere.example/map.png) ![Ours](/static/map.png)");
    expect(container.querySelector("a")?.outerHTML).toBe(
      '<a href="https://elsewhere.example/map.png" target="_blank" rel="noopener noreferrer">A map</a>',
    );
    const pictures = [...container.querySelectorAll("img")].map((picture) => picture.getAttribute("src"));
    expect(pictures).toEqual(["/static/map.png"]);
    const nameless = await rendered("![](https://elsewhere.example/map.png)");
    expect(nameless.querySelector("a")?.textContent).toBe("https://elsewhere.example/map.png");
  });
});

describe("footnotes", () => {
  const TEXT = "Ice floats[^1], as salt does not[^ä].\n\n[^1]: See the book.\n\n[^ä]: Another.";

  it("of two answers are told apart, and lead there and back", async () => {
    const { container } = render(
      <>
        <MarkdownContent text={TEXT} author="assistant" isWriting={false} />
        <MarkdownContent text={TEXT} author="assistant" isWriting={false} />
      </>,
    );
    await waitFor(() => expect(container.querySelectorAll("section")).toHaveLength(2));
    const ids = [...container.querySelectorAll("[id]")].map(({ id }) => id);
    expect(ids).toHaveLength(8);
    expect(new Set(ids).size).toBe(8);
    expect(screen.getAllByRole("doc-backlink", { name: "Back to the text" })).toHaveLength(4);
    for (const answer of container.querySelectorAll(".dcs-markdown")) {
      const links = [...answer.querySelectorAll<HTMLAnchorElement>("a")];
      const targets = links.map((link) => document.getElementById(link.hash.slice(1)));
      expect(targets.map((target) => target?.tagName)).toEqual(["LI", "LI", "A", "A"]);
      expect(targets.every((target) => answer.contains(target))).toBe(true);
      expect(links.map((link) => link.getAttribute("role"))).toEqual([
        ...["doc-noteref", "doc-noteref"],
        ...["doc-backlink", "doc-backlink"],
      ]);
      expect(links.every(({ target }) => target === "")).toBe(true);
    }
  });

  it("keep their ids while the answer grows", async () => {
    const container = await rendered(TEXT);
    const before = container.querySelector("li")?.id;
    cleanup();
    const { container: grown, rerender } = render(<MarkdownContent text={TEXT} author="assistant" isWriting />);
    await waitFor(() => expect(grown.querySelector("li")).toBeTruthy());
    const first = grown.querySelector("li")?.id;
    expect(first).not.toBe(before);
    rerender(<MarkdownContent text={`${TEXT}\n\nSo.`} author="assistant" isWriting />);
    await waitFor(() => expect(grown.textContent).toContain("So."));
    expect(grown.querySelector("li")?.id).toBe(first);
  });

  it("speak the chat's words, and have a heading for those who hear them", async () => {
    const bench = new ChatBench();
    bench.server.start("", ["Why?", TEXT]);
    render(
      <ChatProvider store={bench.store()}>
        <ChatWidget slots={SLOTS} words={germanWords} />
      </ChatProvider>,
    );
    await act(() => bench.timers.advance(0));
    const heading = await screen.findByRole("heading", { name: "Fußnoten" });
    expect(heading.tagName).toBe("H4");
    expect(heading.className).toBe("dcs-hidden");
    expect(screen.getAllByRole("doc-backlink", { name: "Zurück zum Text" })).toHaveLength(2);
  });
});

describe("an answer that would stop the page", () => {
  it.each([
    ["quotes", ">".repeat(3000)],
    ["quotes with spaces", "> ".repeat(3000)],
    ["a list", Array.from({ length: 400 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n")],
    ["numbers", "1. ".repeat(3000)],
    ["a list by tabs", Array.from({ length: 400 }, (_, depth) => `${"\t".repeat(depth)}* a`).join("\r\n")],
    ["the same bracket", "]".repeat(20_000)],
    ["emphasis", "a*b_".repeat(5000)],
    ["underlined headings", "a\n=\n".repeat(5000)],
    ["headings underlined once", "a\n-\n".repeat(5000)],
    ["quotes that end at once", "> a\nb\n".repeat(3000)],
    ["a table", `|a|b|\n|-|-|\n${"|1|2|\n".repeat(3000)}`],
  ])("%s: stays plain text, and is not parsed at all", async (_, nesting) => {
    const { container } = render(
      [`Ice floats.\n\n${nesting}`, "**Ice**"].map((text) => (
        <MarkdownContent key={text} text={text} author="assistant" isWriting={false} />
      )),
    );
    // The one after it has been parsed: so would it have been.
    await waitFor(() => expect(container.querySelector("strong")).toBeTruthy());
    expect(container.querySelector("p")?.textContent).toBe("Ice floats.");
    expect(container.querySelectorAll(".dcs-markdown")).toHaveLength(1);
    const parsed = vi.mocked(ReactMarkdown).mock.calls.map(([{ children }]) => children);
    expect([...new Set(parsed)]).toEqual(["**Ice**"]);
  });

  it("is none when it is only long", async () => {
    const part = "## Heat\n\n* **Ice** [floats](/ice)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> Why?\n\n";
    const container = await rendered(part.repeat(100));
    expect(container.querySelectorAll("table")).toHaveLength(100);
  });

  it("is none when its code is indented far, or its lines are long", async () => {
    const container = await rendered(`${"-".repeat(500)}\n\n    ${" ".repeat(500)}a - b > c\n\n${"1".repeat(500)}`);
    expect(container.querySelector("code")).toBeTruthy();
    expect(container.querySelector("hr")).toBeTruthy();
  });
});

it("what the renderer fails at is plain text, also as it grows, and nothing else of the page goes", async () => {
  const complain = vi.spyOn(console, "error").mockImplementation(() => {});
  const deep = "*a ".repeat(2);
  const show = (text: string) => (
    <main>
      <h1>Host</h1>
      <MarkdownContent text={text} author="assistant" isWriting />
    </main>
  );
  const { container, rerender } = render(show("**Ice**"));
  await waitFor(() => expect(container.querySelector("strong")).toBeTruthy());
  vi.mocked(ReactMarkdown).mockImplementation(() => {
    throw new RangeError("Maximum call stack size exceeded");
  });
  rerender(show(deep));
  expect(container.innerHTML).toBe(`<main><h1>Host</h1><p dir="auto">${deep}</p></main>`);
  vi.mocked(ReactMarkdown).mockReset();
  rerender(show(`${deep}and more`));
  expect(container.querySelector("p")?.textContent).toBe(`${deep}and more`);
  expect(ReactMarkdown).not.toHaveBeenCalled();
  rerender(show("**Salt**"));
  expect(container.querySelector("strong")?.textContent).toBe("Salt");
  complain.mockRestore();
});

it("parses a growing answer once for each frame, and no other row again", async () => {
  const bench = new ChatBench();
  bench.server.streams.refusal = null;
  bench.server.start("", ["Why?", "**Because**."]);
  const tab = bench.tab();
  const advance = (milliseconds: number) => act(() => bench.timers.advance(milliseconds));
  render(
    <ChatProvider store={tab.store}>
      <ChatWidget slots={SLOTS} />
    </ChatProvider>,
  );
  await advance(0);
  await waitFor(() => expect(screen.getByText("Because").tagName).toBe("STRONG"));
  await act(async () => void tab.store.send("And?"));
  await advance(0);
  vi.mocked(ReactMarkdown).mockClear();
  for (let count = 1; count <= 50; count += 1) bench.server.write("so ".repeat(count));
  await advance(0);
  const texts = vi.mocked(ReactMarkdown).mock.calls.map(([props]) => props.children);
  expect(texts.at(-1)).toBe("so ".repeat(50));
  expect(texts.length).toBeLessThan(4);
  expect(texts.filter((text) => text?.includes("Because"))).toEqual([]);
});

const SLOTS = { Content: MarkdownContent };
