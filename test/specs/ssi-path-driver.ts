/**
 * Drives the real transaction layer along paths of SSI.tla and compares every answer with the model's.
 *
 * Compared are: each value read, each snapshot, each commit's sequence, who is refused and at which step, whom a commit dooms, when a
 * commit is acknowledged, whether a lone read must wait, and when a snapshot is safe. One store serves all paths: all transactions of
 * a path end before the next begins, and the keys' contents are carried over.
 */
import type { BeginOptions, CommitReceipt, Now, StoreSavepoint, StoreTransaction } from '../../src/mvcc/contract'
import { SerializationError } from '../../src/base/errors'
import { isSafe, nextTurn, showRange, textsOf, untilDecided } from './path-calls'
import type { Rows } from './path-calls'
import type { PathStep, Role } from './path-file'
import { Contents, PathFailure, keyOf, rangeOf, same } from './path-subject'
import type { PathSubject } from './path-subject'

interface Actor {
  readonly name: string
  readonly role: Role
  readonly transaction: StoreTransaction
  own: Map<number, string | undefined>
  savepoint: { readonly handle: StoreSavepoint; readonly own: Map<number, string | undefined> } | undefined
  status: 'active' | 'waiting' | 'ended' | 'aborted' | 'committed'
  /** Of a committed one its sequence, or without writes its snapshot; of a deferrable one the snapshot under trial. */
  sequence: number
}

const BEGIN: Readonly<Record<Role, BeginOptions>> = {
  'read-write': {},
  declared: { readOnly: true },
  deferrable: { deferrable: true },
  snapshot: { isolation: 'snapshot' },
  lone: {},
}

/** See the file's header. */
export class SsiPathDriver {
  readonly #subject: PathSubject
  readonly #roles: ReadonlyMap<string, Role>
  readonly #contents = new Contents()
  readonly #actors = new Map<string, Actor>()
  #settling: Promise<unknown>[] = []
  #waiting: { readonly answer: Promise<Rows>; readonly keys: readonly number[] } | undefined
  /** The newest sequence before the path: 0 of the model. */
  #base = 0
  #decided = 0
  #published = 0
  /** Counts steps, so that equal steps are driven through one call of the interface after another. */
  #turn = 0

  constructor(subject: PathSubject, roles: ReadonlyMap<string, Role>) {
    this.#subject = subject
    this.#roles = roles
  }

  /** Runs a path. Rejects with `PathFailure` at the first answer that differs. */
  async run(path: readonly PathStep[]): Promise<void> {
    const { decided, published } = this.#subject.store.stats()
    same('published before the path', published, decided)
    this.#base = decided
    this.#decided = 0
    this.#published = 0
    this.#actors.clear()
    this.#settling = []
    this.#waiting = undefined
    for (const step of path) {
      this.#turn++
      const acting = this.#act(step)
      if (acting !== undefined) await acting
      const telling = this.#tellOthers(step)
      if (telling !== undefined) await telling
      if (step.published !== undefined) this.#publish(step.published)
      this.#checkAll(step)
      const working = this.#subject.work()
      if (working !== undefined) await working
    }
    await this.#finish()
  }

  async #finish(): Promise<void> {
    for (const { transaction, status } of this.#actors.values()) {
      if (status === 'active' || status === 'waiting') transaction.rollback()
    }
    this.#publish(this.#decided)
    await Promise.all(this.#settling)
    if (this.#waiting !== undefined) {
      const { answer, keys } = this.#waiting
      this.#compare('the read that waited', await answer, keys.map((key) => this.#contents.at(key, this.#base + this.#decided))) // prettier-ignore
    }
    this.#contents.forget()
    this.#subject.checkAtRest()
  }

  #act(step: PathStep): Promise<void> | undefined {
    switch (step.do) {
      case 'publish':
        this.#publish(step.sequence!)
        return undefined
      case 'begin':
        this.#add(step, this.#subject.store.begin({ ...BEGIN[this.#roles.get(step.by!)!], label: step.by! }))
        return undefined
      case 'gate':
        return this.#subject.store.beginUnderGate().result.then((transaction) => void this.#add(step, transaction))
      case 'defer':
        return this.#defer(step)
      case 'lone':
        return this.#loneRead(step)
      default:
        return this.#operate(step, this.#actors.get(step.by!)!)
    }
  }

  #add(step: PathStep, transaction: StoreTransaction): Actor {
    const name = step.by!
    const role = this.#roles.get(name)!
    const actor: Actor = {
      name,
      role,
      transaction,
      own: new Map(),
      savepoint: undefined,
      status: 'active',
      sequence: 0,
    }
    this.#actors.set(name, actor)
    return actor
  }

  #operate(step: PathStep, actor: Actor): Promise<void> | undefined {
    const { transaction } = actor
    switch (step.do) {
      case 'read':
        return this.#read(step, actor, () => this.#show(transaction, step.keys!))
      case 'getForUpdate':
        return this.#read(step, actor, () => textsOf(transaction.getForUpdate(keyOf(step.keys![0]!))))
      case 'write':
        this.#write(step, actor)
        return undefined
      case 'savepoint':
        actor.savepoint = { handle: transaction.savepoint(), own: new Map(actor.own) }
        return undefined
      case 'undo':
      case 'keep':
        this.#endSavepoint(step, actor)
        return undefined
      case 'rollback':
        transaction.rollback()
        actor.status = 'ended'
        return undefined
      case 'end':
        if (this.#turn % 2 === 0) transaction.rollback()
        else this.#settle(transaction.commit())
        actor.status = 'ended'
        return undefined
      case 'commit':
        return this.#commit(step, actor)
      default:
        throw new Error(`no driver for the step ${step.do}`)
    }
  }

  /** Reads through one call or another; what comes later is waited for. */
  #read(step: PathStep, actor: Actor, show: () => Now<Rows>): Promise<void> | undefined {
    let shown: Now<Rows>
    try {
      shown = show()
    } catch (error) {
      this.#refused(step, actor, error)
      return undefined
    }
    if (!(shown instanceof Promise)) {
      this.#shown(step, actor, shown)
      return undefined
    }
    return shown.then(
      (rows) => this.#shown(step, actor, rows),
      (error: unknown) => this.#refused(step, actor, error),
    )
  }

  #shown(step: PathStep, actor: Actor, rows: Rows): void {
    if (step.outcome === 'refused') throw new PathFailure(`${actor.name} ${step.do}`, rows, 'refused')
    this.#compare(`${actor.name} ${step.do} ${step.keys!.join()}`, rows, this.#expected(step, actor))
  }

  #expected({ keys, shown }: PathStep, actor?: Actor): Rows {
    return keys!.map((key, i) => {
      const version = shown![i]!
      return version === 'own' ? actor!.own.get(key) : this.#contents.at(key, this.#base + version)
    })
  }

  #compare(what: string, rows: Rows, expected: Rows): void {
    same(`${what}: rows`, rows.length, expected.length)
    rows.forEach((row, i) => same(what, row, expected[i]))
  }

  #refused({ do: verb, outcome }: PathStep, actor: Actor, error: unknown): void {
    if (!(error instanceof SerializationError) || outcome !== 'refused') throw new PathFailure(`${actor.name} ${verb}`, error, outcome) // prettier-ignore
    same(`${actor.name} ${verb} is conservative`, error.report.conservative, false)
    actor.status = 'aborted'
  }

  #show(transaction: StoreTransaction, keys: readonly number[]): Now<Rows> {
    if (keys.length > 1)
      return showRange(transaction.openCursor(rangeOf(keys), { reverse: this.#turn % 3 === 0 }), keys)
    if (this.#turn % 5 === 0) return showRange(transaction.openCursor(rangeOf(keys), { reverse: false }), keys)
    const key = keyOf(keys[0]!)
    return textsOf(this.#turn % 2 === 0 ? transaction.get(key) : transaction.getSync(key))
  }

  #loneRead(step: PathStep): Promise<void> | undefined {
    const { store } = this.#subject
    const keys = step.keys!
    const isRange = keys.length > 1 ? this.#turn % 3 > 0 : this.#turn % 5 === 0
    const shown = isRange
      ? showRange(store.openCursor(rangeOf(keys), { reverse: false }), keys)
      : this.#turn % 2 === 0 && keys.length === 1
        ? textsOf(store.get(keyOf(keys[0]!)))
        : textsOf(store.getMany(keys.map(keyOf)))
    if (step.outcome === 'waits') return this.#mustWait(step, shown)
    const compare = (rows: Rows): void => this.#compare(`lone read of ${keys.join()}`, rows, this.#expected(step))
    if (shown instanceof Promise) return shown.then(compare)
    compare(shown)
    return undefined
  }

  /** The last step of its path: it is answered by the publish that ends the path. */
  async #mustWait({ keys }: PathStep, shown: Now<Rows>): Promise<void> {
    if (!(shown instanceof Promise)) throw new PathFailure(`lone read of ${keys!.join()}`, shown, 'waits')
    let isAnswered = false
    const mark = (): void => void (isAnswered = true)
    shown.then(mark, mark)
    await nextTurn()
    same(`lone read of ${keys!.join()} is answered`, isAnswered, false)
    this.#waiting = { answer: shown, keys: keys! }
  }

  #write(step: PathStep, actor: Actor): void {
    const { transaction } = actor
    const keys = step.keys!
    const value = `${actor.name}${String(this.#turn)}`
    const isPut = keys.length === 1 && this.#turn % 3 > 0
    try {
      if (keys.length > 1) transaction.deleteRange(rangeOf(keys))
      else if (isPut) transaction.put(keyOf(keys[0]!), Buffer.from(value))
      else transaction.delete(keyOf(keys[0]!))
    } catch (error) {
      this.#refused(step, actor, error)
      return
    }
    same(`${actor.name} writes`, 'done', step.outcome ?? 'done')
    for (const key of keys) actor.own.set(key, isPut ? value : undefined)
  }

  #endSavepoint(step: PathStep, actor: Actor): void {
    const { handle, own } = actor.savepoint!
    actor.savepoint = undefined
    if (step.do === 'keep') handle.release()
    else {
      handle.rollback()
      actor.own = own
    }
  }

  #commit(step: PathStep, actor: Actor): Promise<void> | undefined {
    const { transaction } = actor
    const { snapshot } = transaction
    const receipt = transaction.commit()
    receipt.catch(() => undefined)
    const undecided = untilDecided(transaction)
    if (undecided !== undefined) return undecided.then(() => this.#committed(step, actor, receipt, snapshot))
    this.#committed(step, actor, receipt, snapshot)
    return undefined
  }

  #committed(step: PathStep, actor: Actor, receipt: Promise<CommitReceipt>, snapshot: number): void {
    const { transaction, name } = actor
    if (step.outcome === 'refused') {
      same(`${name} commits`, transaction.state, 'aborted')
      actor.status = 'aborted'
      this.#settle(receipt.then(() => same(`${name} commits`, 'done', 'refused'), (error: unknown) => this.#refused(step, actor, error))) // prettier-ignore
      return
    }
    const commit = step.outcome as number
    actor.status = 'committed'
    actor.sequence = commit === 0 ? snapshot : this.#base + commit
    this.#settle(receipt.then(({ sequence }) => same(`${name}'s sequence`, sequence, actor.sequence)))
    if (commit === 0) return
    this.#decided = commit
    this.#contents.commit(this.#base + commit, actor.own)
  }

  async #defer(step: PathStep): Promise<void> {
    const actor = this.#add(step, this.#subject.store.begin(BEGIN.deferrable))
    await nextTurn()
    same(`${actor.name} is safe`, isSafe(actor.transaction), step.outcome === 'safe')
    actor.sequence = this.#base + step.snapshot!
    same(`${actor.name}'s snapshot`, actor.transaction.snapshot, actor.sequence)
    if (step.outcome === 'waits') actor.status = 'waiting'
  }

  /** Awaited at the end of the path, where a failure of it then shows. */
  #settle(settling: Promise<unknown>): void {
    settling.catch(() => undefined)
    this.#settling.push(settling)
  }

  #publish(sequence: number): void {
    if (sequence <= this.#published) return
    this.#published = sequence
    this.#subject.publishThrough(this.#base + sequence)
  }

  /** Whom the step ended, made safe, or made to start over. */
  #tellOthers({ others }: PathStep): Promise<void> | undefined {
    if (others === undefined) return undefined
    let isDeferrable = false
    for (const [name, fate] of Object.entries(others)) {
      const actor = this.#actors.get(name)!
      if (fate === 'aborted') actor.status = 'aborted'
      else isDeferrable = true
    }
    return isDeferrable ? this.#tellDeferrable(others) : undefined
  }

  async #tellDeferrable(others: Readonly<Record<string, string>>): Promise<void> {
    await nextTurn()
    for (const [name, fate] of Object.entries(others)) {
      const actor = this.#actors.get(name)!
      const { transaction, sequence } = actor
      const isSafeAsItWas = isSafe(transaction) && transaction.snapshot === sequence
      if (fate === 'safe') {
        same(`${name} is safe`, isSafeAsItWas, true)
        actor.status = 'active'
      } else if (fate === 'again') {
        // The engine may have started over already, at a newer snapshot; the path does so later, with another reader.
        same(`${name} is safe`, isSafeAsItWas, false)
        transaction.rollback()
        this.#actors.delete(name)
      }
    }
  }

  /** After each step, everything that can be seen from outside. */
  #checkAll(step: PathStep): void {
    if (step.do === 'commit' || step.do === 'publish') {
      const { decided, published } = this.#subject.store.stats()
      same('decided', decided, this.#base + this.#decided)
      same('published', published, this.#base + this.#published)
    }
    const acting = step.by === undefined ? undefined : this.#actors.get(step.by)
    if (step.snapshot !== undefined) same(`${step.by!}'s snapshot`, acting?.transaction.snapshot, this.#base + step.snapshot) // prettier-ignore
    for (const { name, transaction, status, sequence } of this.#actors.values()) {
      const { state } = transaction
      if (status === 'active' || status === 'waiting') same(`${name}'s state`, state, 'open')
      else if (status === 'aborted') same(`${name}'s state`, state, 'aborted')
      else if (status === 'committed')
        same(`${name}'s state`, state, sequence <= this.#base + this.#published ? 'committed' : 'decided')
    }
  }
}
