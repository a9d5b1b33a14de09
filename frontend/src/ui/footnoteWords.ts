/** What only the footnotes of Markdown say: it comes with Markdown's code. */
export interface FootnoteWords {
  footnotes: string;
  backToText: string;
}

export const englishFootnoteWords: FootnoteWords = { footnotes: "Footnotes", backToText: "Back to the text" };
