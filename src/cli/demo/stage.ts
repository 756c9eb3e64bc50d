/**
 * The stage of the demo: plays a story step by step in a given order at both levels, and repeats it in random orders.
 *
 * Whoever is aborted begins again at the end, as `db.transact` would. What comes out is data; show.ts writes it on a page.
 * Pinned by test/cli/demo.test.ts.
 */
import { SerializationError } from '../../base/errors'
import type { Database, Transaction } from '../../index'

export type Level = 'snapshot' | 'serializable'
export const LEVELS: readonly Level[] = ['snapshot', 'serializable']

/** What an actor has read so far; what it read last is what it acts upon. */
export type Seen = Map<string, string>

/** Somebody with one transaction: it begins, takes these steps, and commits. A step says what it did. */
export interface Actor {
  readonly name: string
  readonly readOnly?: boolean
  readonly steps: readonly ((tx: Transaction, seen: Seen) => Promise<string>)[]
}

export interface Story {
  readonly title: string
  readonly moral: string
  readonly before: ReadonlyMap<string, string>
  readonly actors: readonly Actor[]
  /** Who takes a step, one digit a step; the first step of an actor is to begin, the last to commit. */
  readonly order: string
  /** What must be true in the end, whoever came first. */
  readonly rule: string
  readonly holds: (db: Database, seen: readonly Seen[]) => Promise<boolean>
}

/** One step as it was played. */
export interface Beat {
  readonly actor: string
  readonly did: string
  /** How to stress it. */
  readonly kind: 'step' | 'commit' | 'abort' | 'again'
}

/** A story as it was played. */
export interface Played {
  readonly beats: readonly Beat[]
  /** Whether the rule held in the end. */
  readonly held: boolean
  readonly lost: readonly SerializationError[]
}

/** How often a rule held in so many random orders, at each level. */
export interface Tally {
  readonly story: Story
  readonly held: Readonly<Record<Level, number>>
}

interface Direction {
  readonly level: Level
  /** That of the story unless given. */
  readonly order?: string
}

/** Plays a story. It begins by deleting everything in the database. */
export async function play(db: Database, story: Story, direction: Direction): Promise<Played> {
  await db.transact((tx) => {
    tx.deleteRange({})
    for (const [key, value] of story.before) tx.put(key, value)
  })
  const cast = new Cast(db, story, direction.level)
  for (const digit of direction.order ?? story.order) await cast.step(Number(digit))
  await cast.playLosersAgain()
  return { beats: cast.beats, lost: cast.lost, held: await story.holds(db, cast.seen) }
}

/** Every story in `runs` random orders; the same orders for both levels. Rejects with the signal's reason. */
export async function tally(
  db: Database,
  stories: readonly Story[],
  options: { readonly runs: number; readonly seed: number; readonly signal: AbortSignal },
): Promise<Tally[]> {
  const random = createRandom(options.seed)
  const tallies: Tally[] = []
  for (const story of stories) {
    const held = { snapshot: 0, serializable: 0 }
    for (let run = 0; run < options.runs; run++) {
      options.signal.throwIfAborted()
      const order = shuffled(Array.from(story.order), random).join('')
      for (const level of LEVELS) if ((await play(db, story, { level, order })).held) held[level]++
    }
    tallies.push({ story, held })
  }
  return tallies
}

/** The actors of one performance, each with its transaction. */
class Cast {
  readonly beats: Beat[] = []
  readonly lost: SerializationError[] = []
  readonly seen: readonly Seen[]
  readonly #db: Database
  readonly #story: Story
  readonly #level: Level
  readonly #open = new Map<number, Transaction>()
  readonly #steps: number[]
  #isAgain = false

  constructor(db: Database, story: Story, level: Level) {
    this.#db = db
    this.#story = story
    this.#level = level
    this.seen = story.actors.map((): Seen => new Map())
    this.#steps = story.actors.map(() => 0)
  }

  /** The next step of an actor; nothing if its transaction was aborted. */
  async step(index: number): Promise<void> {
    const actor = this.#story.actors[index]!
    const at = this.#steps[index]!
    this.#steps[index] = at + 1
    try {
      if (at === 0) this.#begin(index, actor)
      else await this.#go(index, actor, at)
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      this.#open.delete(index)
      this.lost.push(error)
      this.beats.push({ actor: actor.name, did: 'is aborted', kind: 'abort' })
    }
  }

  async playLosersAgain(): Promise<void> {
    for (const [index, actor] of this.#story.actors.entries()) {
      if (this.#open.has(index)) continue
      this.#isAgain = true
      this.#steps[index] = 0
      for (let left = actor.steps.length + 2; left > 0; left--) await this.step(index)
    }
  }

  #begin(index: number, actor: Actor): void {
    const { name, readOnly } = actor
    this.#open.set(index, this.#db.begin({ label: name, isolation: this.#level, readOnly }))
    const kind = this.#isAgain ? 'again' : 'step'
    this.beats.push({ actor: name, did: this.#isAgain ? 'begins again' : 'begins', kind })
  }

  async #go(index: number, actor: Actor, at: number): Promise<void> {
    const tx = this.#open.get(index)
    if (tx === undefined) return
    if (at <= actor.steps.length) {
      const did = await actor.steps[at - 1]!(tx, this.seen[index]!)
      this.beats.push({ actor: actor.name, did, kind: 'step' })
    } else {
      await tx.commit()
      this.beats.push({ actor: actor.name, did: 'commits', kind: 'commit' })
    }
  }
}

/** Fisher and Yates. */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
