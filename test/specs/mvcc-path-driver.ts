/**
 * Drives the real transaction layer along paths of MVCC.tla and compares every answer with the model's.
 *
 * The model says of each read and row whether there is a value; which one it must be, the driver knows besides, since every put
 * writes another. Who may commit is no matter to MVCC.tla: transactions run with isolation 'snapshot', and the paths are those on which
 * the first committer of a key is the only one. Versions are collected for all keys at once, more than the model takes away.
 */
import type { StoreCursor, StoreTransaction } from '../../src/mvcc/contract'
import { untilDecided } from './path-calls'
import type { PathStep } from './path-file'
import { Contents, keyOf, rangeOf, same } from './path-subject'
import type { PathSubject } from './path-subject'

interface Write {
  readonly keys: readonly number[]
  readonly value: string | undefined
}

interface Actor {
  readonly transaction: StoreTransaction
  readonly writes: Write[]
  /** The open cursor, and how many writes it shows. */
  cursor: { readonly handle: StoreCursor; readonly asOf: number } | undefined
}

/** See the file's header. */
export class MvccPathDriver {
  readonly #subject: PathSubject
  readonly #keys: readonly number[]
  readonly #contents = new Contents()
  readonly #actors = new Map<string, Actor>()
  #acknowledged: Promise<void>[] = []
  #base = 0
  #decided = 0
  #published = 0
  #turn = 0

  constructor(subject: PathSubject, keys: number) {
    this.#subject = subject
    this.#keys = Array.from({ length: keys }, (_, index) => index + 1)
  }

  /** Runs a path, from empty keys as the model does. Rejects with `PathFailure` at the first answer that differs. */
  async run(path: readonly PathStep[]): Promise<void> {
    await this.#empty()
    for (const step of path) {
      this.#turn++
      await this.#act(step)
      if (step.do === 'commit' || step.do === 'publish') {
        const { decided, published } = this.#subject.store.stats()
        same('decided', decided, this.#base + this.#decided)
        same('published', published, this.#base + this.#published)
      }
      const working = this.#subject.work()
      if (working !== undefined) await working
    }
    for (const { transaction } of this.#actors.values()) transaction.rollback()
    this.#publish(this.#decided)
    await Promise.all(this.#acknowledged)
    this.#contents.forget()
    this.#subject.checkAtRest()
  }

  async #empty(): Promise<void> {
    this.#actors.clear()
    this.#acknowledged = []
    const { decided } = this.#subject.store.stats()
    this.#base = decided
    this.#decided = 0
    this.#published = 0
    const full = this.#keys.filter((key) => this.#contents.at(key, decided) !== undefined)
    if (full.length === 0) return
    const writer = this.#subject.store.begin()
    for (const key of full) writer.delete(keyOf(key))
    const settled = writer.commit()
    await untilDecided(writer)
    this.#contents.commit(decided + 1, new Map(full.map((key) => [key, undefined])))
    this.#publish(1)
    await settled
    this.#base = decided + 1
    this.#published = 0
  }

  async #act(step: PathStep): Promise<void> {
    const { store } = this.#subject
    switch (step.do) {
      case 'publish':
        this.#publish(step.sequence!)
        return
      case 'collect':
        this.#subject.collect()
        return
      case 'begin':
        this.#actors.set(step.by!, {
          transaction: store.begin({ isolation: 'snapshot' }),
          writes: [],
          cursor: undefined,
        })
        break
      case 'lone': {
        const key = step.keys![0]!
        const shown = this.#turn % 2 === 0 ? await store.get(keyOf(key)) : (await store.getMany([keyOf(key)]))[0]
        this.#compare(step, shown, this.#contents.at(key, this.#base + this.#published))
        return
      }
      default:
        await this.#operate(step, this.#actors.get(step.by!)!)
    }
    if (step.snapshot === undefined) return
    same(`${step.by!}'s snapshot`, this.#actors.get(step.by!)?.transaction.snapshot, this.#base + step.snapshot)
  }

  async #operate(step: PathStep, actor: Actor): Promise<void> {
    const { transaction, writes } = actor
    switch (step.do) {
      case 'read': {
        const key = step.keys![0]!
        const shown = this.#turn % 2 === 0 ? await transaction.get(keyOf(key)) : transaction.getSync(keyOf(key))
        this.#compare(step, shown, this.#expected(actor, key, writes.length))
        return
      }
      case 'put':
      case 'delete':
      case 'deleteRange': {
        this.#write(step, actor)
        return
      }
      case 'open':
        actor.cursor = { handle: transaction.openCursor(rangeOf(this.#keys), { reverse: false }), asOf: writes.length }
        return
      case 'move':
        return this.#move(step, actor)
      case 'commit':
        return this.#commit(step, actor)
      case 'rollback':
        transaction.rollback()
        {
          same(`${step.by!}'s state`, transaction.state, 'rolled-back')
          return
        }
      default:
        throw new Error(`no driver for the step ${step.do}`)
    }
  }

  #write(step: PathStep, { transaction, writes }: Actor): void {
    const keys = step.keys!
    const value = step.do === 'put' ? `${step.by!}${String(this.#turn)}` : undefined
    if (value !== undefined) transaction.put(keyOf(keys[0]!), Buffer.from(value))
    else if (step.do === 'deleteRange' || this.#turn % 2 === 0) transaction.deleteRange(rangeOf(keys))
    else transaction.delete(keyOf(keys[0]!))
    writes.push({ keys, value })
  }

  async #move(step: PathStep, actor: Actor): Promise<void> {
    const { handle, asOf } = actor.cursor!
    const found = await handle.next()
    same(`${step.by!}'s row`, found ? handle.key : '', step.key === 0 ? '' : keyOf(step.key!))
    if (found) {
      this.#compare(step, handle.value(), this.#expected(actor, step.key!, asOf))
      return
    }
    handle.close()
    actor.cursor = undefined
  }

  async #commit(step: PathStep, { transaction, writes }: Actor): Promise<void> {
    const commit = step.outcome as number
    const receipt = transaction.commit()
    await untilDecided(transaction)
    same(`${step.by!}'s state`, transaction.state, 'decided')
    this.#acknowledged.push(
      receipt.then(({ sequence }) => same(`${step.by!}'s sequence`, sequence, this.#base + commit)),
    )
    this.#decided = commit
    const newest = writes.flatMap(({ keys, value }) => keys.map((key) => [key, value] as const))
    this.#contents.commit(this.#base + commit, new Map(newest))
  }

  /** What `key` must show, counting the first `asOf` own writes. */
  #expected({ transaction, writes }: Actor, key: number, asOf: number): string | undefined {
    const own = writes
      .slice(0, asOf)
      .filter(({ keys }) => keys.includes(key))
      .at(-1)
    return own === undefined ? this.#contents.at(key, transaction.snapshot) : own.value
  }

  #compare(step: PathStep, shown: Buffer | undefined, expected: string | undefined): void {
    const what = `${step.by ?? 'lone'} ${step.do} ${step.keys?.join() ?? ''}`
    same(`${what} shows something`, shown !== undefined, step.value !== 0)
    same(what, shown?.toString('latin1'), expected)
  }

  #publish(sequence: number): void {
    if (sequence <= this.#published) return
    this.#published = sequence
    this.#subject.publishThrough(this.#base + sequence)
  }
}
