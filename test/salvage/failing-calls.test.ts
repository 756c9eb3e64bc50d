/**
 * I/O calls of a salvage fail, one in each round, in each way that they can: the old database stays as it is, and what comes of it is
 * never taken for more than it is. So many calls as TRIES says are tried, evenly apart, from one on that the seed picks; TRIES=Infinity
 * tries every one.
 */
import type { Injection, IoCall } from '../support/memory-runtime/io-calls'
import { buildDatabase, harm } from './damaged-database'
import type { Harm, KnownDatabase } from './damaged-database'
import type { DurableImage } from '../support/memory-runtime/durable-image'
import { salvageWithFailure } from './salvage-round'

const SEED = Number(process.env.SEED ?? 1 + Math.floor(Math.random() * 1000))
const TRIES = Number(process.env.TRIES ?? 8)
const FAILURES: readonly Injection[] = ['EIO', 'EIO-after', 'ENOSPC', 'short-write', 'EACCES']
const WRITING = new Set(['create', 'write', 'sync', 'rename', 'create-directory', 'sync-directory'])

beforeAll(() => console.log(`SEED=${SEED} TRIES=${TRIES} npx jest test/salvage/failing-calls`))

/** A database that is sound, and the same one damaged: its blocks have to be looked for. */
async function worlds(
  seed: number,
): Promise<{ database: KnownDatabase; disks: { disk: DurableImage; harms: readonly Harm[] }[] }> {
  const database = await buildDatabase(seed)
  return { database, disks: [{ disk: database.disk, harms: [] }, harm(database, seed)] }
}

/** A short write is of a write, a full disk of what takes room. Whoever may not read a directory cannot sync it, and goes without. */
function canFail({ operation }: IoCall, failure: Injection): boolean {
  if (failure === 'short-write') return operation === 'write'
  if (failure === 'ENOSPC') return WRITING.has(operation)
  return failure !== 'EACCES' || operation !== 'sync-directory'
}

test.each(FAILURES)('%s at a call is told, or ends the salvage, and the old database is as it was', async (failure) => {
  const { database, disks } = await worlds(SEED)
  for (const damaged of disks) {
    const { calls } = await salvageWithFailure(database, damaged, { at: Infinity, failure })
    expect(calls.length).toBeGreaterThan(60)
    // The seal of the manifest, a witness that nothing relies on, is synced as it is closed: whether that succeeds is no matter.
    const lastSync = calls.map((call) => call.operation).lastIndexOf('sync')
    const candidates = [...calls.keys()].filter((index) => canFail(calls[index]!, failure))
    expect(candidates.length).toBeGreaterThan(0)
    const stride = Math.max(1, Math.floor(candidates.length / TRIES))
    for (let i = SEED % stride; i < candidates.length; i += stride) {
      const at = candidates[i]!
      const { operation, path } = calls[at]!
      try {
        const { outcome } = await salvageWithFailure(database, damaged, { at, failure })
        if (WRITING.has(operation) && at !== lastSync) expect(outcome).toBe('refused')
        if (failure === 'EACCES' && operation === 'open' && path.endsWith('.table')) expect(outcome).toBe('refused')
      } catch (error) {
        const where = `${failure} at I/O call ${at} of seed ${SEED}, ${operation} ${path}`
        throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
      }
    }
  }
})
