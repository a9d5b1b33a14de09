import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";

interface Source<S> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): S;
}

const firsts = new WeakMap<object, unknown>();

/** What a store said when it was first asked, as on the server: what comes to life late must meet that again. */
export function firstOf<S>(source: Source<S>): S {
  if (!firsts.has(source)) firsts.set(source, source.getSnapshot());
  return firsts.get(source) as S;
}

/** One part of a store; the component renders again only when that part changes. */
export function useSelection<S, T>(
  source: Source<S>,
  select: (snapshot: S) => T,
  isEqual: (a: T, b: T) => boolean = Object.is,
): T {
  const shown = useRef<{ value: T } | null>(null);
  const read = useMemo(() => {
    let last: { snapshot: S; value: T } | null = null;
    return (snapshot: S) => {
      // A selection may be made anew each time; to React it must be the same until the store changes.
      if (last?.snapshot === snapshot) return last.value;
      const before = last ?? shown.current;
      const value = select(snapshot);
      last = { snapshot, value: before && isEqual(before.value, value) ? before.value : value };
      return last.value;
    };
  }, [select, isEqual]);
  const value = useSyncExternalStore(
    source.subscribe,
    () => read(source.getSnapshot()),
    () => read(firstOf(source)),
  );
  useEffect(() => {
    shown.current = { value };
  }, [value]);
  return value;
}

export function shallowEqual<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(a) as (keyof T)[];
  return keys.length === Object.keys(b).length && keys.every((key) => Object.is(a[key], b[key]));
}
