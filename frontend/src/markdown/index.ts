export { MarkdownContent } from "./MarkdownContent.js";
