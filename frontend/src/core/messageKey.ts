/** A fresh UUID; `crypto.randomUUID` is missing on pages without HTTPS. */
export function newMessageKey(): string {
  return crypto.randomUUID?.() ?? "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, randomDigit);
}

function randomDigit(): string {
  return ((crypto.getRandomValues(new Uint8Array(1))[0] as number) & 15).toString(16);
}
