/**
 * What each command of the shell does, over the public API alone.
 *
 * In a transaction, an operation is the transaction's; without one it is a transaction of one operation. Errors pass: the
 * session says them. Scans look for Ctrl-C between pages. Pinned by test/cli/shell/session.test.ts.
 */
import type { Bytes, RangeBounds, Row, Scan, ScanOptions, TransactionOptions } from '../../index'
import { bytesToTyped } from '../byte-text'
import { UsageError } from '../cli-errors'
import { historyLines } from '../commands/history'
import { countOf } from '../figures'
import { explanationLines } from './explanation-lines'
import { helpLines } from './help-lines'
import { infoLines, listLines } from './info-lines'
import { statsLines } from '../stats-lines'
import type { ShellCommand } from './parse'
import type { CommandPlace, Participant, ShellOutcome } from './place'
import { SHELL_LIMITS } from './shell-limits'

/** Runs `command`; what it throws is why it failed. */
export async function perform(command: ShellCommand, place: CommandPlace): Promise<ShellOutcome> {
  const { names, bytes } = command
  switch (command.name) {
    case 'begin':
      return begin(command, place)
    case 'use':
      return use(names[0], place)
    case 'get':
      return showValue(await (place.participant?.transaction ?? place.db).get(bytes[0]!), place)
    case 'get-for-update':
      return showValue(await inTransaction(command, place).transaction.getForUpdate(bytes[0]!), place)
    case 'put':
    case 'delete':
    case 'delete-range':
      return write(command, place)
    case 'scan':
      return scan(command, place)
    case 'count':
      return count(command, place)
    case 'savepoint':
      return savepoint(names[0]!, inTransaction(command, place), place)
    case 'rollback':
      return rollback(names[1], inTransaction(command, place), place)
    case 'commit':
      return commit(inTransaction(command, place), place)
    case 'explain':
      return explain(names[0] ?? command.address, place)
    case 'history':
      return sayAll(historyLines(await place.db.history(bytes[0]!)), place)
    case 'list':
      return sayAll(listLines(place.session, place.paint), place)
    case 'info':
      return sayAll(infoLines(place.db, place.paint), place)
    case 'stats':
      return sayAll(statsLines(place.db.stats()), place)
    case 'help':
      return sayAll(helpLines(names[0], place.paint), place)
    case 'exit':
      return 'exit'
  }
}

function begin({ names, flags }: ShellCommand, { session, db, paint, say }: CommandPlace): ShellOutcome {
  const [name = ''] = names
  if (session.participants.some((participant) => participant.name === name)) {
    throw new UsageError(`Cannot begin ${name}: it is open already; use ${name} makes it the current one`)
  }
  const options: TransactionOptions = {
    label: name,
    isolation: flags.has('snapshot') ? 'snapshot' : 'serializable',
    readOnly: flags.has('read-only'),
    deferrable: flags.has('deferrable') ? true : undefined,
    ...(flags.has('deferrable') ? { readOnly: true } : {}),
  }
  const { transaction } = session.add(name, db.begin(options))
  say(paint.dim(`${name} reads at ${transaction.snapshot}`))
  return 'done'
}

function use(name: string | undefined, { session, paint, say }: CommandPlace): ShellOutcome {
  session.current = name === undefined ? undefined : session.find(name)
  if (name === undefined) say(paint.dim('each command is a transaction of its own'))
  return 'done'
}

function showValue(value: Bytes | undefined, { paint, say }: CommandPlace): ShellOutcome {
  say(value === undefined ? paint.dim('(none)') : bytesToTyped(value))
  return 'done'
}

/** Buffered in a transaction, else committed at once. */
async function write(command: ShellCommand, { participant, db, paint, say }: CommandPlace): Promise<ShellOutcome> {
  const { name, bytes, bounds } = command
  const [key, value] = bytes
  if (participant !== undefined) {
    const { transaction } = participant
    if (name === 'put') transaction.put(key!, value!)
    else if (name === 'delete') transaction.delete(key!)
    else transaction.deleteRange(toRange(bounds))
    say(paint.dim('ok'))
    return 'done'
  }
  if (name === 'put') say(committedText((await db.put(key!, value!)).sequence))
  else if (name === 'delete') say(committedText((await db.delete(key!)).sequence))
  else {
    const transaction = db.begin()
    try {
      transaction.deleteRange(toRange(bounds))
      say(committedText((await transaction.commit()).sequence))
    } finally {
      transaction.rollback()
    }
  }
  return 'done'
}

function committedText(sequence: number): string {
  return `committed at ${sequence}`
}

async function scan({ bounds, flags }: ShellCommand, place: CommandPlace): Promise<ShellOutcome> {
  const source = place.participant?.transaction ?? place.db
  if (flags.has('keys')) return showPages(source.keys(bounds), (key) => bytesToTyped(key), place)
  const { valueCharsShown } = SHELL_LIMITS
  return showPages(source.scan(bounds), ([key, value]: Row) => `${bytesToTyped(key)} = ${bytesToTyped(value, valueCharsShown)}`, place) // prettier-ignore
}

/** A page counts as read as a whole, so every page is shown whole. */
async function showPages<Item>(
  items: Scan<Item>,
  toText: (item: Item) => string,
  { signal, paint, say, drained }: CommandPlace,
): Promise<ShellOutcome> {
  let rows = 0
  try {
    for await (const page of items.pages(SHELL_LIMITS.pageRowsMax)) {
      for (const item of page) say(toText(item))
      rows += page.length
      await drained()
      if (!signal.aborted) continue
      say(paint.yellow(`interrupted after ${countOf(rows, 'row')}`))
      return 'failed'
    }
  } finally {
    items.close()
  }
  say(paint.dim(`(${countOf(rows, 'row')})`))
  return 'done'
}

async function count({ bounds }: ShellCommand, { participant, db, say }: CommandPlace): Promise<ShellOutcome> {
  const options = { ...toRange(bounds), limit: bounds.limit }
  say(countOf(await (participant?.transaction ?? db).count(options), 'row'))
  return 'done'
}

function savepoint(name: string, { transaction, savepoints }: Participant, { paint, say }: CommandPlace): ShellOutcome {
  if (savepoints.has(name)) throw new UsageError(`Cannot make a savepoint ${name}: there is one; choose another name`)
  savepoints.set(name, transaction.savepoint())
  say(paint.dim('ok'))
  return 'done'
}

function rollback(
  to: string | undefined,
  participant: Participant,
  { session, paint, say }: CommandPlace,
): ShellOutcome {
  const { transaction, savepoints, name } = participant
  if (to === undefined) {
    transaction.rollback()
    session.remove(participant)
    say(paint.dim('rolled back'))
    return 'done'
  }
  const savepointOfName = savepoints.get(to)
  if (savepointOfName === undefined) {
    const known = [...savepoints.keys()].join(', ')
    throw new UsageError(
      `Cannot roll ${name} back to ${to}: ${known === '' ? 'it has no savepoint' : `there are ${known}`}`,
    )
  }
  savepointOfName.rollback()
  // Those made after it have ended with it.
  const made = [...savepoints.keys()]
  for (const later of made.slice(made.indexOf(to))) savepoints.delete(later)
  say(paint.dim(`rolled back to ${to}; what was read stays read`))
  return 'done'
}

async function commit(participant: Participant, { session, paint, say }: CommandPlace): Promise<ShellOutcome> {
  const { transaction } = participant
  const hasWritten = transaction.explain().writes.total > 0
  const { sequence } = await transaction.commit()
  session.remove(participant)
  say(hasWritten ? paint.green(committedText(sequence)) : paint.green(`committed: it only read, at ${sequence}`))
  return 'done'
}

function explain(name: string | undefined, place: CommandPlace): ShellOutcome {
  const { session, paint } = place
  const one = name === undefined ? session.current : session.find(name)
  const explained = one === undefined ? session.participants : [one]
  if (explained.length === 0) place.say(paint.dim('(no transactions are open)'))
  explained.forEach(({ transaction }, index) => {
    if (index > 0) place.say('')
    sayAll(explanationLines(transaction.explain(), paint), place)
  })
  return 'done'
}

function sayAll(lines: readonly string[], { say }: CommandPlace): ShellOutcome {
  for (const line of lines) say(line)
  return 'done'
}

function inTransaction({ name }: ShellCommand, { participant }: CommandPlace): Participant {
  if (participant !== undefined) return participant
  throw new UsageError(`Cannot run ${name} without a transaction: begin NAME begins one, use NAME goes back to one`)
}

function toRange({ prefix, gte, lt }: ScanOptions): RangeBounds {
  return { prefix, gte, lt }
}
