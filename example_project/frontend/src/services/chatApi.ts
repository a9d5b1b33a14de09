import { type ApiClient, createApiClient } from "django-chat-sessions";

/** The chat's API, where XP's urls.py includes it; the CSRF token is the cookie that its pages set. */
export function createChatApi(baseUrl: string): ApiClient {
  return createApiClient({ baseUrl, timeout: 20_000 });
}
