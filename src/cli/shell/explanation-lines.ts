/**
 * An explanation of a transaction as lines: what it has read and written, its edges, its waits, its forecast.
 *
 * Words are those of docs/ISOLATION.md (missed, floor, low, doomed). Long lists are cut for the eye; the rest is counted.
 * Pure. Pinned by test/cli/shell/explanation-lines.test.ts.
 */
import type {
  ExplainedEdge,
  ExplainedList,
  ExplainedPlace,
  ExplainedWait,
  ExplainedWrite,
  TransactionExplanation,
} from '../../index'
import { bytesToTyped } from '../byte-text'
import { drawCycle, nameOf, placeText } from '../cycle-drawing'
import { countText } from '../figures'
import type { Paint } from '../paint'

/** Entries of a list that are shown. */
const ENTRIES_SHOWN = 8

/** The lines of an explanation. */
export function explanationLines(shown: TransactionExplanation, paint: Paint): string[] {
  const { reads, writes, missed, missedBy, holds, waits } = shown
  return [
    headLine(shown, paint),
    ...section('read', reads, readText),
    ...section('wrote', writes, writeText),
    ...section('missed', missed, missedText),
    ...section('missed by', missedBy, (edge) => missedByText(edge, shown)),
    ...section('holds', holds, (key) => bytesToTyped(key)),
    ...section('waits', { first: waits, total: waits.length }, waitText),
    ...forecastLines(shown, paint),
  ]
}

/** What somebody waits for, behind "alice ...". */
export function waitText({ for: reason, key, behind }: ExplainedWait): string {
  const whom = behind === undefined ? '' : ` behind ${nameOf(behind)}`
  if (reason === 'gate') return `stands at the commit gate${whom}`
  if (reason === 'safe-snapshot')
    return `needs a safe snapshot${whom === '' ? '' : `, and stands${whom} until that one ends`}`
  return `is in the queue for ${bytesToTyped(key ?? NO_BYTES)}${whom}`
}

const NO_BYTES = new Uint8Array(0)

function headLine(shown: TransactionExplanation, { bold, dim }: Paint): string {
  const { state, isolation, readOnly, safe, snapshot, floor, floorReader, commit, low } = shown
  const kind = readOnly ? (safe ? 'read-only, safe: nothing can abort it' : 'read-only') : isolation
  const facts = [
    state,
    kind,
    `reads at ${snapshot}`,
    ...(commit === undefined ? [] : [`committed at ${commit}`]),
    ...(floor > snapshot
      ? [`floor ${floor}${floorReader === undefined ? '' : `, raised by ${nameOf(floorReader)}`}`]
      : []),
    ...(low === undefined ? [] : [`low ${low}`]),
  ]
  return `${bold(nameOf(shown))} ${dim(facts.join(', '))}`
}

/** Its name at the first entry, then entries one below the other. */
function section<Entry>(name: string, list: ExplainedList<Entry>, toText: (entry: Entry) => string): string[] {
  const lines = list.first.slice(0, ENTRIES_SHOWN).map(toText)
  const left = list.total - lines.length
  if (left > 0) lines.push(`and ${countText(left)} more`)
  return lines.map((line, index) => `  ${(index === 0 ? name : '').padEnd(10)} ${line}`)
}

function readText(place: ExplainedPlace): string {
  return place.merged ? `${placeText(place)} (merged: wider than what was read)` : placeText(place)
}

function writeText(write: ExplainedWrite): string {
  if (write.kind === 'put') return placeText(write)
  return `${placeText(write)} (${write.kind === 'delete' ? 'deleted' : 'all deleted'})`
}

/** rw: it read what the other one wrote later; ww: it wrote it first, and both did not look. */
function missedText({ to, kind, ...place }: ExplainedEdge): string {
  const at = to.commit === undefined ? '' : `, committed at ${to.commit}`
  const how = kind === 'rw' ? 'wrote' : 'overwrote'
  return `${nameOf(to)}, which ${how} ${placeText(place)}${at}: before it in every serial order`
}

function missedByText({ from, kind, ...place }: ExplainedEdge, { state }: TransactionExplanation): string {
  const what = `${kind === 'rw' ? 'read' : 'wrote'} ${placeText(place)}`
  const order = state === 'open' || state === 'committing' ? 'once this one commits, it' : 'it'
  return `${nameOf(from)}, which ${what}: ${order} comes before this one`
}

function forecastLines({ commitNow, error }: TransactionExplanation, paint: Paint): string[] {
  const { red, green } = paint
  if (error !== undefined) return [`  ${'doomed'.padEnd(10)} ${red(error.message)}`]
  if (commitNow === undefined) return []
  const name = 'commit now'
  if (commitNow.outcome === 'accepted') return [`  ${name} ${green('would be accepted')}`]
  const drawing = commitNow.report === undefined ? [] : drawCycle(commitNow.report, paint)
  return [`  ${name} ${red(`would be refused: ${commitNow.message}`)}`, ...drawing]
}
