/**
 * What must be in a database after its process was killed: pure, from what the killed process said and the rows that are there.
 *
 * kill-client.cjs commits four kinds of transactions, each such that the rows alone tell how many of its kind were committed:
 *
 *   counter = n and log/1..n            of all clients together; log/<n> says who wrote it, and how many own/ keys that client had
 *   own/<client>/1..n                   no gap
 *   {a,g,m,q,u,z}/pair/<client> = n     all six alike: far apart in key order, so in different blocks and tables
 *   window/<client>/k                   exactly the last four, or those since the last multiple of 16
 *
 * 1. Nothing acknowledged is missing, whatever its durability: the system did not die.
 * 2. Each client has at most one transaction in flight, so at most one commit more than it was told of.
 * 3. Commits have the sequences 1, 2, 3 ...: the number of commits that the rows show is the last sequence. So the commits
 *    there are exactly the first ones: a prefix.
 *
 * Pinned by test/crash/kill-model.test.ts, which shows that each kind of loss is seen.
 */
export type Kind = 'c' | 'o' | 'p' | 'w'

/** One line `A` of the killed process. */
export interface Acknowledgement {
  readonly client: number
  readonly kind: Kind
  readonly n: number
  readonly sequence: number
}

/** The commits that are in a database. */
export interface Tally {
  /** The last sequence. */
  readonly sequence: number
  readonly counter: number
  /** By `${client} ${kind}`; for kind c the log entries that this client wrote. */
  readonly countByClientAndKind: ReadonlyMap<string, number>
}

export const EMPTY_TALLY: Tally = { sequence: 0, counter: 0, countByClientAndKind: new Map() }

/** Keys and values as text, in key order. */
export type Rows = readonly (readonly [string, string])[]

const PAIR_LETTERS = ['a', 'g', 'm', 'q', 'u', 'z']
const WINDOW = 4
const WINDOW_CLEARED_EVERY = 16

/** Counts the commits that `rows` show. Throws where no prefix of commits leaves such rows. */
export function tallyRows(rows: Rows, sequence: number): Tally {
  const values = new Map(rows)
  if (values.size !== rows.length) throw new Error('a key is there twice')
  const counts = new Map<string, number>()
  const seen = new Set<string>(['counter'])
  const counter = Number(values.get('counter') ?? '0')
  const groups = groupKeys(rows)
  tallyLog({ values, seen, counts }, counter)
  for (const [group, numbers] of groups) {
    const [kind, client] = group.split(' ') as ['own' | 'window', string]
    if (kind === 'own') tallyOwn({ values, seen, counts }, client, numbers)
    else tallyWindow({ values, seen, counts }, client, numbers)
  }
  tallyPairs({ values, seen, counts })
  const strange = rows.find(([key]) => !seen.has(key))
  if (strange !== undefined) throw new Error(`the key ${strange[0]} is nobody's`)
  checkLogAgainstOwn(values, counts, counter)
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (total !== sequence) {
    throw new Error(`the rows show ${total} commits, but the last sequence is ${sequence}: they are no prefix`)
  }
  return { sequence, counter, countByClientAndKind: counts }
}

interface Reading {
  readonly values: ReadonlyMap<string, string>
  readonly seen: Set<string>
  readonly counts: Map<string, number>
}

function tenDigits(n: number): string {
  return String(n).padStart(10, '0')
}

/** The numbers of own/ and window/ keys, by kind and client. */
function groupKeys(rows: Rows): Map<string, number[]> {
  const numbersByGroup = new Map<string, number[]>()
  for (const [key] of rows) {
    const match = /^(own|window)\/(\d{3})\/(\d{10})$/.exec(key)
    if (match === null) continue
    const group = `${match[1]!} ${match[2]!}`
    const numbers = numbersByGroup.get(group)
    if (numbers === undefined) numbersByGroup.set(group, [Number(match[3])])
    else numbers.push(Number(match[3]))
  }
  return numbersByGroup
}

function take(reading: Reading, key: string): string {
  const value = reading.values.get(key)
  if (value === undefined) throw new Error(`the key ${key} is missing`)
  reading.seen.add(key)
  return value
}

function tallyLog(reading: Reading, counter: number): void {
  for (let n = 1; n <= counter; n++) {
    const [client, said] = take(reading, `log/${tenDigits(n)}`).split(' ')
    if (Number(said) !== n) throw new Error(`log/${n} says that it is ${said ?? ''}`)
    const group = `${Number(client)} c`
    reading.counts.set(group, (reading.counts.get(group) ?? 0) + 1)
  }
}

function tallyOwn(reading: Reading, client: string, numbers: readonly number[]): void {
  numbers.forEach((n, index) => {
    if (n !== index + 1) throw new Error(`own/${client} has ${n} where ${index + 1} belongs`)
    const value = take(reading, `own/${client}/${tenDigits(n)}`)
    if (Number(value.split(' ')[0]) !== n) throw new Error(`own/${client}/${n} has another key's value`)
  })
  reading.counts.set(`${Number(client)} o`, numbers.length)
}

function tallyWindow(reading: Reading, client: string, numbers: readonly number[]): void {
  const last = numbers.at(-1)!
  const cleared = last - (last % WINDOW_CLEARED_EVERY)
  const first = Math.max(1, last - WINDOW + 1, cleared)
  const expected = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  if (expected.join() !== numbers.join()) {
    throw new Error(`window/${client} has ${numbers.join()} where ${expected.join()} belong`)
  }
  for (const n of numbers) take(reading, `window/${client}/${tenDigits(n)}`)
  reading.counts.set(`${Number(client)} w`, last)
}

function tallyPairs(reading: Reading): void {
  const clients = new Set<string>()
  for (const key of reading.values.keys()) {
    const match = /^[a-z]\/pair\/(\d{3})$/.exec(key)
    if (match !== null) clients.add(match[1]!)
  }
  for (const client of clients) {
    const versions = PAIR_LETTERS.map((letter) => take(reading, `${letter}/pair/${client}`))
    if (new Set(versions).size > 1) throw new Error(`the pair of ${client} is torn: ${versions.join()}`)
    reading.counts.set(`${Number(client)} p`, Number(versions[0]))
  }
}

/** What a transaction saw of its own client's earlier commits is there too. */
function checkLogAgainstOwn(values: ReadonlyMap<string, string>, counts: ReadonlyMap<string, number>, counter: number) {
  for (let n = 1; n <= counter; n++) {
    const [client, , own] = values.get(`log/${tenDigits(n)}`)!.split(' ')
    if (Number(own) > (counts.get(`${Number(client)} o`) ?? 0)) throw new Error(`log/${n} saw an own/ key that is gone`)
  }
}

/** One life of the process that was killed, as a judge needs it. */
export interface Life {
  /** What was there before it. */
  readonly before: Tally
  /** What its own recovery found; undefined if it was killed before it could say. */
  readonly opened: number | undefined
  readonly acknowledged: readonly Acknowledgement[]
}

/** Throws unless `after` holds everything before and everything acknowledged, and no more than can have been in flight. */
export function judgeLife(life: Life, after: Tally, clients: number): void {
  const { before, opened, acknowledged } = life
  if (opened !== undefined && opened !== before.sequence) {
    throw new Error(`the process found sequence ${opened}, where ${before.sequence} was recovered before`)
  }
  const told = new Map(before.countByClientAndKind)
  const sequences = new Set<number>()
  for (const { client, kind, n, sequence } of acknowledged) {
    if (sequence <= before.sequence) throw new Error(`sequence ${sequence} was given again`)
    if (sequence > after.sequence) throw new Error(`acknowledged, and lost: sequence ${sequence} of ${after.sequence}`)
    if (sequences.has(sequence)) throw new Error(`sequence ${sequence} was given twice`)
    sequences.add(sequence)
    const group = `${client} ${kind}`
    const count = (told.get(group) ?? 0) + 1
    if (kind !== 'c' && count !== n) throw new Error(`client ${client} was told ${kind} ${n} where ${count} belongs`)
    if (kind === 'c' && n > after.counter) throw new Error(`acknowledged, and lost: counter ${n} of ${after.counter}`)
    told.set(group, count)
  }
  for (let client = 0; client < clients; client++) judgeClient(client, told, after)
}

function judgeClient(client: number, told: ReadonlyMap<string, number>, after: Tally): void {
  let more = 0
  for (const kind of ['c', 'o', 'p', 'w']) {
    const group = `${client} ${kind}`
    const difference = (after.countByClientAndKind.get(group) ?? 0) - (told.get(group) ?? 0)
    if (difference < 0) throw new Error(`acknowledged, and lost: ${-difference} of client ${client}, kind ${kind}`)
    more += difference
  }
  if (more > 1) throw new Error(`client ${client} has ${more} commits that it was never told of`)
}
