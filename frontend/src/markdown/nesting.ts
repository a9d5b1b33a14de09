/**
 * A line that begins with 100 spaces or signs of quotes and lists. Each level takes one at least, and one of a list
 * mostly two: 100 quotes are drawn in 5 ms and a list of 50 levels in 60, but one of 400 in 6.5 s, and 3000 quotes
 * exhaust the stack.
 */
const DEEP = /^(?=[ \t]*(?:>|[-+*][ \t]|\d{1,9}[.)][ \t]))(?:[ \t>]|[-+*][ \t]|\d{1,9}[.)][ \t]){100}/m;

/** Nobody reads what is nested so deep, and parsing it would stop the page. */
function isTooDeep(text: string): boolean {
  return DEEP.test(text);
}

/**
 * What the parser pairs: its time grows with their square or faster. 3000 are drawn in less than a second, 20,000 of "]"
 * in 10 s and 5000 underlined headings in 15. A long answer has some hundreds.
 */
const SIGN = /[[\]*_~|]/g;
const MOST_SIGNS = 3000;
const LINE = /^ {0,3}(?:[=-]+[ \t]*$|>)/gm;
const MOST_LINES = 1000;

/** Whether parsing this would stop the page, as what a model repeats without an end would. */
export function isTooMuch(text: string): boolean {
  return isTooDeep(text) || count(text, SIGN) > MOST_SIGNS || count(text, LINE) > MOST_LINES;
}

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;
