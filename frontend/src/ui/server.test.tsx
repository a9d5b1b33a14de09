// @vitest-environment node
import type { ComponentType } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import { ChatProvider } from "../react/index.js";
import * as ui from "./index.js";

const components = Object.entries(ui).filter(([name, value]) => /^[A-Z]/.test(name) && typeof value === "function");

describe("on a server, where there is no window", () => {
  it.each(components)("%s is rendered, without a request or a complaint", (_, part) => {
    expect(typeof window).toBe("undefined");
    const fetch = vi.spyOn(globalThis, "fetch");
    const complain = vi.spyOn(console, "error");
    const Part = part as ComponentType<{ text: string }>;
    const html = renderToString(
      <ChatProvider baseUrl="/chat" scope="subject:1">
        <Part text="What one of them may need" />
      </ChatProvider>,
    );
    expect(html).not.toBe("");
    expect(fetch).not.toHaveBeenCalled();
    expect(complain).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it.each(["sidebar", "dropdown", "none"] as const)("a whole chat with history %s says that it loads", (history) => {
    const html = renderToString(
      <ChatProvider baseUrl="/chat">
        <ui.ChatWidget title="Water and ice" history={history} layout="full" />
      </ChatProvider>,
    );
    expect(html).toContain("Water and ice");
    expect(html).toContain("Loading…");
    expect(html).not.toContain("How can I help?");
    expect(html).toContain("<textarea");
  });
});
