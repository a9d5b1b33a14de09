import type { ComponentProps } from "react";

/** A button that looks like a link: a way on, beside a sentence. */
export function LinkButton(props: ComponentProps<"button">) {
  return <button type="button" className="dcs-link" {...props} />;
}
