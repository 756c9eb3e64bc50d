/**
 * Keys and values as people type and read them: the one place where bytes become text and text becomes bytes.
 *
 *   typed      alice           the UTF-8 bytes of what is typed
 *              0x00ff          hexadecimal, two digits a byte
 *              "a\n\x00"       in double quotes, with \" \\ \n \t \xHH
 *   printed    "a\n\x00"       always in quotes, printable ASCII as it is, everything else escaped; can be typed again
 *   in JSON    {"text":"..."}  where the bytes are valid UTF-8 without control characters
 *              {"hex":"00ff"}  otherwise
 *
 * Pure. `strictkv help bytes` says the same. Pinned by test/cli/byte-text.test.ts.
 */
import { LIMITS } from '../base/limits'
import { bytesToPlainText } from '../base/plain-text'
import { UsageError } from './cli-errors'

/** Bytes in a JSON document. */
export type BytesJson = { readonly text: string } | { readonly hex: string }

/** A key that somebody typed, no longer than a key may be: so that it is refused before a database is opened. Throws `UsageError`. */
export function typedToKey(typed: string, what: string): Buffer {
  return checkedLength(typedToBytes(typed, what), what, LIMITS.keyBytesMax.initial)
}

/** A value that somebody typed, as `typedToKey`. */
export function typedToValue(typed: string, what: string): Buffer {
  return checkedLength(typedToBytes(typed, what), what, LIMITS.valueBytesMax.initial)
}

/** The bytes that somebody typed; `what` names them in the message, as in "KEY". Throws `UsageError`. */
export function typedToBytes(typed: string, what: string): Buffer {
  if (typed.startsWith('0x')) return hexToBytes(typed, what)
  if (!(typed as unknown as { isWellFormed(): boolean }).isWellFormed()) {
    throw new UsageError(`Cannot use ${what}: it is no valid Unicode; give its bytes as 0x...`)
  }
  if (typed.startsWith('"')) return quotedToBytes(typed, what)
  return Buffer.from(typed, 'utf8')
}

/** The bytes in double quotes, printable ASCII as it is. With `charsMax` it is cut and says how long it is. */
export function bytesToTyped(bytes: Uint8Array, charsMax = Infinity): string {
  let text = ''
  for (const byte of bytes) {
    if (text.length >= charsMax) return `"${text}..." (${bytes.length} bytes)`
    text += ESCAPED[byte]!
  }
  return `"${text}"`
}

/** The bytes as JSON. */
export function bytesToJson(bytes: Uint8Array): BytesJson {
  const text = bytesToPlainText(bytes)
  if (text !== undefined) return { text }
  return { hex: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex') }
}

/** How each byte is printed between quotes. */
const ESCAPED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x22) return '\\"'
  if (byte === 0x5c) return '\\\\'
  if (byte === 0x0a) return '\\n'
  if (byte === 0x09) return '\\t'
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte)
  return `\\x${byte.toString(16).padStart(2, '0')}`
})

function checkedLength(bytes: Buffer, what: string, bytesMax: number): Buffer {
  if (bytes.length <= bytesMax) return bytes
  throw new UsageError(`Cannot use ${what}: it has ${bytes.length} bytes, and ${bytesMax} are allowed`)
}

function hexToBytes(typed: string, what: string): Buffer {
  const digits = typed.slice(2)
  const quoted = `to mean these characters, put them in double quotes: "${typed}"`
  if (!/^[0-9a-fA-F]*$/.test(digits)) {
    throw new UsageError(`Cannot use ${typed} as ${what}: behind 0x come hexadecimal digits; ${quoted}`)
  }
  if (digits.length % 2 > 0) {
    throw new UsageError(`Cannot use ${typed} as ${what}: a byte has two hexadecimal digits; ${quoted}`)
  }
  return Buffer.from(digits, 'hex')
}

const UNESCAPED: ReadonlyMap<string, number> = new Map([
  ['"', 0x22],
  ['\\', 0x5c],
  ['n', 0x0a],
  ['t', 0x09],
])

function quotedToBytes(typed: string, what: string): Buffer {
  const bytes: Buffer[] = []
  let at = 1
  while (at < typed.length) {
    const char = typed[at]!
    if (char === '"') {
      if (at === typed.length - 1) return Buffer.concat(bytes)
      throw new UsageError(`Cannot use ${typed} as ${what}: there is something behind the closing quote`)
    }
    if (char === '\\') {
      const [byte, next] = escapeAt(typed, at, what)
      bytes.push(Buffer.of(byte))
      at = next
      continue
    }
    let end = at
    while (end < typed.length && typed[end] !== '"' && typed[end] !== '\\') end++
    bytes.push(Buffer.from(typed.slice(at, end), 'utf8'))
    at = end
  }
  throw new UsageError(`Cannot use ${typed} as ${what}: the closing quote is missing`)
}

/** The byte of the escape at `at`, and where the text goes on. */
function escapeAt(typed: string, at: number, what: string): readonly [byte: number, next: number] {
  const plain = UNESCAPED.get(typed[at + 1] ?? '')
  if (plain !== undefined) return [plain, at + 2]
  const digits = /^\\x([0-9a-fA-F]{2})/.exec(typed.slice(at, at + 4))?.[1]
  if (digits !== undefined) return [parseInt(digits, 16), at + 4]
  throw new UsageError(
    `Cannot use ${typed} as ${what}: ${typed.slice(at, at + 2)} is no escape; there are \\" \\\\ \\n \\t and \\xHH`,
  )
}
