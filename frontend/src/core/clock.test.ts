import { expect, it } from "vitest";
import { createClock, systemTimers } from "./clock.js";
import { createDeadline } from "./deadline.js";
import { FakeTimers } from "./testing/fakeTimers.js";

const at = (timers: FakeTimers, ahead: number) => new Date(timers.now() + ahead).toISOString();

it("takes the server's time to lie in the middle of the round trip", () => {
  const timers = new FakeTimers();
  const clock = createClock(timers);
  const askedAt = timers.now();
  timers.sleep(1000);
  clock.observe(at(timers, 3_600_000 - 500), askedAt, timers.now());
  expect(clock.serverNow() - timers.now()).toBe(3_600_000);
  expect(clock.remaining(at(timers, 3_600_000 + 5000))).toBe(5000);
});

it("prefers quick answers to slow ones", () => {
  const timers = new FakeTimers();
  const clock = createClock(timers);
  clock.observe(at(timers, 100), timers.now() - 20, timers.now());
  const before = clock.serverNow();
  clock.observe(at(timers, -1100), timers.now() - 4000, timers.now());
  expect(clock.serverNow()).toBe(before);
});

it("prefers one on whose way the device's clock was set back to one that says even less", () => {
  const timers = new FakeTimers();
  const clock = createClock(timers);
  clock.observe(at(timers, 0), timers.now() + 1000, timers.now());
  const before = clock.serverNow();
  clock.observe(at(timers, -600), timers.now() - 4000, timers.now());
  expect(clock.serverNow()).toBe(before);
});

it("believes a slow answer that cannot be reconciled: somebody set a clock", () => {
  const timers = new FakeTimers();
  const clock = createClock(timers);
  clock.observe(at(timers, 0), timers.now(), timers.now());
  clock.observe(at(timers, 7_200_000), timers.now() - 4000, timers.now());
  expect(clock.serverNow() - timers.now()).toBe(7_202_000);
});

it("ignores what is no time", () => {
  const timers = new FakeTimers();
  const clock = createClock(timers);
  clock.observe("tomorrow", timers.now(), timers.now());
  expect(clock.serverNow()).toBe(timers.now());
});

it("runs on the system's timers by default", async () => {
  const clock = createClock();
  expect(Math.abs(clock.serverNow() - Date.now())).toBeLessThan(1000);
  const fired = new Promise<void>((resolve) => {
    const cancelled = systemTimers.setTimeout(() => expect.unreachable(), 0);
    systemTimers.clearTimeout(cancelled);
    clock.setTimeout(resolve, 0);
  });
  await fired;
});

it("a deadline that is moved or dropped in time does not fire", async () => {
  const timers = new FakeTimers();
  const heard: (number | string)[] = [];
  const deadline = createDeadline(createClock(timers), {
    expiring: (seconds) => heard.push(seconds),
    expired: () => heard.push("expired"),
  });
  deadline.set(at(timers, 2500), 2000);
  await timers.advance(500);
  expect(heard).toEqual([2]);
  deadline.set(at(timers, 3000), 2000);
  await timers.advance(1000);
  deadline.stop();
  deadline.check();
  await timers.advance(10_000);
  expect(heard).toEqual([2, 2]);
});
