import { type ApiClient, ApiError, createApiClient, type Session } from "django-chat-sessions";
import { minutesAgo, session } from "./stillChat";

/** What a history gets to show; it is loading for ever when nothing is said about it. */
export interface StillHistory {
  sessions?: readonly Session[];
  /** There is a further page, and it cannot be had. */
  hasMore?: boolean;
  isUnreachable?: boolean;
}

/** An API that answers from an array. Whatever it is not told about stays on its way for ever. */
export function createStillApi({ sessions, hasMore = false, isUnreachable = false }: StillHistory): ApiClient {
  const never = new Promise<never>(() => {});
  const silent = createApiClient({
    baseUrl: "/gallery",
    fetch: () => never,
    timers: { setTimeout: () => 0, clearTimeout: () => {} },
  });
  return {
    ...silent,
    deleteSession: async () => {},
    listSessions: async ({ cursor, archived = false } = {}) => {
      if (isUnreachable || cursor !== undefined) throw new ApiError({ message: "The server could not be reached." });
      if (sessions === undefined) return never;
      return { sessions: sessions.filter((one) => (one.archived_at !== null) === archived), next_cursor: hasMore ? "more" : null, server_time: minutesAgo(0) };
    },
    searchSessions: async (words) => ({
      matches: (sessions ?? [])
        .filter(({ title, preview }) => `${title} ${preview}`.includes(words))
        .map((one) => ({ session: one, excerpt: one.preview })),
      complete: true,
      server_time: minutesAgo(0),
    }),
  };
}

const TITLES = [
  "Why is the sea slow to warm up?",
  "How does convection carry heat?",
  "What is specific heat capacity?",
  "Difference between heat and temperature, with an example from the kitchen",
  "Latent heat",
  "Why does metal feel colder than wood?",
  "Newton's law of cooling",
  "Is there a lowest temperature?",
  "What makes a good insulator?",
  "Entropy, in plain words",
];

/** Sessions of the last month, the latest first: some today, the others ever further back. */
export function pastSessions(count: number): Session[] {
  return Array.from({ length: count }, (_, index) => {
    const time = minutesAgo(index < 4 ? 1 + index * 9 : (index - 3) ** 1.6 * 500);
    const title = TITLES[index % TITLES.length] ?? "";
    return session({
      id: index === 0 ? "this-session" : `session-${index}`,
      title,
      preview: "Water takes up a lot of energy before its temperature rises.",
      message_count: 2 + (index % 5) * 2,
      last_message_at: time,
      ...(index === 0 ? {} : { state: "ended", ended_at: time, end_reason: "idle" }),
    });
  });
}
