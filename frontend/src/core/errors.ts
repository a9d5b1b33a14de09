import type { Conflict, ConflictCode, ErrorBody, ErrorCode } from "./wire.js";

/**
 * Three are ours: `network` when no answer of this API came, `unexpected` when one did not have the contract's shape,
 * and `gone` when the chat on screen is no longer this reader's: deleted elsewhere, or the login is another one now.
 */
export type ApiErrorCode = ErrorCode | ConflictCode | "network" | "unexpected" | "gone";

interface ApiErrorParts {
  /** 0 when no answer came. */
  status?: number | undefined;
  body?: ErrorBody | Conflict | null | undefined;
  retryAfter?: number | null | undefined;
  message?: string | undefined;
  cause?: unknown;
}

/** The server refused, or could not be reached. `retryAfter` is in seconds. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: ApiErrorCode;
  readonly field: string | null;
  readonly body: ErrorBody | Conflict | null;
  readonly retryAfter: number | null;

  constructor({ status = 0, body = null, retryAfter = null, message, cause }: ApiErrorParts) {
    const said = status === 0 ? "The server could not be reached." : `The server answered with status ${status}.`;
    super(message ?? body?.message ?? said, { cause });
    this.status = status;
    this.code = body?.code ?? (status === 0 ? "network" : "unexpected");
    this.field = body?.field ?? null;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** -1 where it is none of the API's. */
export function statusOf(error: unknown): number {
  return error instanceof ApiError ? error.status : -1;
}

/** Whether the same request may be sent again by itself. */
export function isRetryable(error: unknown): boolean {
  const status = statusOf(error);
  return status >= 500 || [0, 408, 425, 429].includes(status);
}

/** Whether it says that the server cannot be reached, rather than that it refused. */
export function isConnectionTrouble(error: unknown): boolean {
  const status = statusOf(error);
  return !status || status >= 502;
}

export function isGone(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** Seconds; an hour at most, for a timer of more than 24 days goes off at once. */
export function retryAfterOf(error: unknown): number {
  return Math.min(3600, (error as ApiError | undefined)?.retryAfter ?? 0);
}

export function conflictOf(error: unknown): Conflict | null {
  const body = (error as ApiError | undefined)?.body;
  return statusOf(error) === 409 && body && "session" in body ? body : null;
}
