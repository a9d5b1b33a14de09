import type { Conflict, ConflictCode, ErrorBody, ErrorCode } from "./wire.js";

/** `unexpected` is ours: the server refused, but not in the shape of the contract. */
export type ApiErrorCode = ErrorCode | ConflictCode | "unexpected";

interface ApiErrorParts {
  status: number;
  body: ErrorBody | Conflict | null;
  retryAfter: number | null;
}

/** The server answered, and refused. `retryAfter` is in seconds. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: ApiErrorCode;
  readonly field: string | null;
  readonly body: ErrorBody | Conflict | null;
  readonly retryAfter: number | null;

  constructor({ status, body, retryAfter }: ApiErrorParts) {
    super(body?.message ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = body?.code ?? "unexpected";
    this.field = body?.field ?? null;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** No answer of this API came back: offline, timed out, or a page from something in between. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  readonly retryAfter: number | null;

  constructor(message: string, options: { cause?: unknown; retryAfter?: number | null } = {}) {
    super(message, { cause: options.cause });
    this.retryAfter = options.retryAfter ?? null;
  }
}

const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whether the same request may be sent again by itself. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof NetworkError) return true;
  return error instanceof ApiError && (error.status >= 500 || RETRYABLE_STATUSES.has(error.status));
}

/** Whether it says that the server cannot be reached, rather than that it refused. */
export function isConnectionTrouble(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof ApiError && error.status >= 502);
}

export function retryAfterOf(error: unknown): number | null {
  return error instanceof ApiError || error instanceof NetworkError ? error.retryAfter : null;
}

export function conflictOf(error: unknown): Conflict | null {
  if (!(error instanceof ApiError) || error.status !== 409) return null;
  return error.body !== null && "session" in error.body ? error.body : null;
}
