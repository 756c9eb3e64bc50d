/**
 * Which bytes are text that may stand as it is in JSON or on a terminal: valid UTF-8 without any control character.
 *
 * Control characters are those of ASCII and Latin-1, the line and paragraph separators, the byte order mark, and the characters
 * that turn the direction of writing: in a terminal or an editor they make a text look like another one. The list is written out,
 * so that the answer does not depend on the Unicode tables of the machine.
 *
 * Pure. Pinned by test/unit/base/plain-text.test.ts.
 */

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/

/** The text whose UTF-8 form is `bytes`, or undefined where there is none or it holds a control character. */
export function bytesToPlainText(bytes: Uint8Array): string | undefined {
  const text = bytesToText(bytes)
  return text === undefined || CONTROL.test(text) ? undefined : text
}

/** The text whose UTF-8 form is `bytes`, control characters and all; undefined where there is none. */
export function bytesToText(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString('utf8')
  // Invalid sequences become U+FFFD, whose own form is valid: only what comes back the same was valid.
  return text.includes('\ufffd') && !Buffer.from(text, 'utf8').equals(buffer) ? undefined : text
}
