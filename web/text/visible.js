// Names and labels are chosen by strangers. What cannot be seen, or changes how its neighbours look (control characters,
// direction marks, zero widths), is shown as its code point. Pure; escaping for HTML is done by lit-html.

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u00a0\u115f\u1160\u2000-\u200a\u202f\u205f\u3000\u3164\ufe00-\ufe0f\uffa0]/gu;

/** The parts of a text, in order: what can be shown as it is, and the codes of what cannot. */
export function parts(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index) });
    found.push({ code: code(match[0]) });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from) });
  return found;
}

/** The same in one text, for titles and for what is read aloud. */
export function plain(text) {
  return text.replace(UNSEEN, (unseen) => `⟨${code(unseen)}⟩`);
}

function code(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
