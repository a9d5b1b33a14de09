/** What has the focus in the tree of an element: in a shadow root the document knows only whose root that is. */
export function focusedBeside(element: Element | null): HTMLElement | null {
  const root = element?.getRootNode() as DocumentOrShadowRoot | undefined;
  return (root?.activeElement ?? null) as HTMLElement | null;
}
