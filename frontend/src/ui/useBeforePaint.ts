import { useEffect, useLayoutEffect } from "react";

/** On a server there is no layout, and React says so on every render. */
export const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;
