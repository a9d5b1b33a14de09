/** What a browser that translates a page does: each text goes, and an element with other words is in its place. */
export function translate(root: Element) {
  const texts: Text[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    if (text.data.trim() === "" || text.parentElement?.localName === "font") continue;
    const words = document.createElement("font");
    words.textContent = text.data;
    text.replaceWith(words);
  }
}
