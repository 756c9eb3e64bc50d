/**
 * What all looks inside a store say alike: which directory, that it is in use, what is damaged, where a range lies.
 *
 * Pure. Pinned by test/cli/inspect.test.ts.
 */
import type { DamageItem, GoneItem, StoreItem } from '../../storage/inspect/picture'
import { bytesToTyped } from '../byte-text'

const KEY_CHARS_MAX = 80

/** A key, cut where it is long. */
export function keyText(key: Uint8Array): string {
  return bytesToTyped(key, KEY_CHARS_MAX)
}

/** `["a", "b")`, or `["a", ...` up to the last key. */
export function rangeText(start: Uint8Array, end: Uint8Array | undefined): string {
  return `[${keyText(start)}, ${end === undefined ? 'the last key]' : `${keyText(end)})`}`
}

/** Sequences from the first to the last. */
export function sequencesText(first: number, last: number): string {
  if (last < first) return 'no sequence'
  return first === last ? `sequence ${first}` : `sequences ${first} to ${last}`
}

/** The lines that every list begins with. */
export function storeLines(store: StoreItem): string[] {
  const manifest = store.manifest === undefined ? 'no manifest that can be read' : `manifest ${store.manifest}`
  const inUse = store.isInUse ? ['  in use: a process has the database open, and this picture may be a moment old'] : []
  return [`${store.directory}: ${manifest}`, ...inUse]
}

/** Damage, or a file that went while it was looked for. */
export function troubleLines(item: DamageItem | GoneItem): string[] {
  if (item.kind === 'gone') return [`gone: ${item.file} was removed by the process that has the database open`]
  return [`DAMAGE in ${item.file} at offset ${item.offset}: ${item.what}`]
}
