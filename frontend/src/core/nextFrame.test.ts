import { afterEach, describe, expect, it, vi } from "vitest";
import { nextFrame } from "./nextFrame.js";

afterEach(() => void vi.unstubAllGlobals());

describe("the next frame", () => {
  it("is the browser's, and comes soon where nothing is painted", async () => {
    const frames: (() => void)[] = [];
    vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
    vi.stubGlobal("cancelAnimationFrame", (frame: number) => frames.splice(frame - 1, 1));
    vi.useFakeTimers();
    const heard: string[] = [];
    nextFrame(() => heard.push("painted"));
    frames[0]?.();
    vi.advanceTimersByTime(1000);
    expect(heard).toEqual(["painted"]);
    nextFrame(() => heard.push("hidden"));
    vi.advanceTimersByTime(1000);
    expect(heard).toEqual(["painted", "hidden"]);
    expect(frames).toEqual([]);
    vi.stubGlobal("requestAnimationFrame", undefined);
    vi.stubGlobal("cancelAnimationFrame", undefined);
    nextFrame(() => heard.push("without frames"));
    vi.advanceTimersByTime(1000);
    expect(heard).toHaveLength(3);
    vi.useRealTimers();
  });
});
