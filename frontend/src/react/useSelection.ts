import { useRef, useSyncExternalStore } from "react";

interface Source<S> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): S;
}

/** One part of a store; the component renders again only when that part changes. */
export function useSelection<S, T>(
  source: Source<S>,
  select: (snapshot: S) => T,
  isEqual: (a: T, b: T) => boolean = Object.is,
): T {
  const last = useRef<{ value: T } | null>(null);
  const read = () => {
    const value = select(source.getSnapshot());
    if (last.current === null || !isEqual(last.current.value, value)) last.current = { value };
    return last.current.value;
  };
  return useSyncExternalStore(source.subscribe, read, read);
}

export function shallowEqual<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(a) as (keyof T)[];
  return keys.length === Object.keys(b).length && keys.every((key) => Object.is(a[key], b[key]));
}
