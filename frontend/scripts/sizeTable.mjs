const kilobytes = (bytes) => (bytes === null ? "" : (bytes / 1000).toFixed(2));

/** Rows of part, size and budget in bytes, and what it is; as a table in kB. */
export function printSizes(rows) {
  const width = Math.max(...rows.map(({ part }) => part.length));
  console.log(`${"".padEnd(width)}  gzip kB  budget`);
  for (const { part, size, budget = null, what } of rows) {
    const numbers = `${kilobytes(size).padStart(7)}  ${kilobytes(budget).padStart(6)}`;
    console.log(`${part.padEnd(width)}  ${numbers}  ${what}`.trimEnd());
  }
}
