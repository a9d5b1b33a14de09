import { Component, type ReactNode } from "react";
import { Paragraphs } from "../ui/index.js";

interface PlainOnErrorProps {
  text: string;
  children: ReactNode;
}

interface PlainOnErrorState {
  hasFailed: boolean;
  /** The text that was tried last. */
  tried: string;
}

/** An answer that the renderer fails at is shown as it was written, and takes nothing else of the page with it. */
export class PlainOnError extends Component<PlainOnErrorProps, PlainOnErrorState> {
  override state: PlainOnErrorState = { hasFailed: false, tried: "" };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  static getDerivedStateFromProps({ text }: PlainOnErrorProps, { hasFailed, tried }: PlainOnErrorState) {
    // What only grows would fail again, and slowly.
    return hasFailed && text.startsWith(tried) ? null : { hasFailed: false, tried: text };
  }

  override render() {
    return this.state.hasFailed ? <Paragraphs text={this.props.text} /> : this.props.children;
  }
}
