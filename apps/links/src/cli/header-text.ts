/** What HTTP lets stand in the value of a header is less than what files and variables hold. */

/**
 * The first character of `text` that no header could carry to every server as it is, as `U+000D`; undefined when there is none.
 * Visible ASCII and blanks only.
 */
export function headerFault(text: string): string | undefined {
  const point = [...text].find((character) => !/[\x20-\x7e]/.test(character))?.codePointAt(0);
  return point === undefined ? undefined : `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** With control characters as `\xhh`, as nginx and Apache write them in a log. `text` holds bytes: no character is above U+00FF. */
export const toHeaderText = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  text.replace(/[\x00-\x1f\x7f]/g, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
