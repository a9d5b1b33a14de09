const formats = new Map<string, Intl.DateTimeFormat>();

/** A date in the reader's language. What formats it is kept, because making one takes longer than a row's rendering. */
export function dateText(date: Date, locale: string | undefined, style: Intl.DateTimeFormatOptions): string {
  // By the offset too: a device may travel.
  const key = JSON.stringify([locale, style, date.getTimezoneOffset()]);
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale, style);
  formats.set(key, format);
  return format.format(date);
}
