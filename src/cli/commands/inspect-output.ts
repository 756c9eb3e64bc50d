/**
 * How lists of any length are answered: item by item, as lines or as one JSON document, so that memory stays bounded.
 *
 *     {"items":[{"kind":"store",...},{"kind":"damage",...}]}         one line; bytes as byte-text.ts has them
 *
 * Damage among the items makes the command exit with 1. A document that was begun is ended whatever happens: what stopped it stands behind
 * the items, as "error". Pinned by test/cli/inspect.test.ts.
 */
import type { Json } from '../answer'
import { bytesToJson } from '../byte-text'
import type { Invocation } from '../command'
import type { ExitCode } from '../exit-codes'
import { EXIT_DONE, EXIT_PROBLEM } from '../exit-codes'

/** Anything that a list can hold. */
export interface Item {
  readonly kind: string
}

/** Items after which the output is waited for. */
const DRAIN_ITEMS = 256

/** Prints items as they come. Throws as `items` does, and the signal's reason. */
export async function printItems<T extends Item>(
  invocation: Invocation,
  items: AsyncIterable<T>,
  toLines: (item: T) => readonly string[],
): Promise<ExitCode> {
  const { json, terminal } = invocation
  let printed = 0
  let damages = 0
  try {
    for await (const item of items) {
      terminal.signal.throwIfAborted()
      if (item.kind === 'damage') damages++
      if (json) terminal.out(`${printed === 0 ? '{"items":[' : ','}${JSON.stringify(toJson(item))}`)
      else for (const line of toLines(item)) terminal.out(`${line}\n`)
      printed++
      if (printed % DRAIN_ITEMS === 0) await terminal.drained()
    }
  } catch (error) {
    if (json && printed > 0) terminal.out(`],"error":${JSON.stringify(toMessage(error))}}\n`)
    throw error
  }
  if (json) terminal.out(printed === 0 ? '{"items":[]}\n' : ']}\n')
  return damages > 0 ? EXIT_PROBLEM : EXIT_DONE
}

/** Plain data as JSON: bytes by byte-text.ts, what is undefined left out. */
export function toJson(value: unknown): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value
  if (value instanceof Uint8Array) return bytesToJson(value)
  if (Array.isArray(value)) return value.map(toJson)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([name, member]) => [name, toJson(member)]))
}

function toMessage(error: unknown): { readonly message: string } {
  return { message: error instanceof Error ? error.message : String(error) }
}
