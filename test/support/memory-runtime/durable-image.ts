/**
 * What a reboot finds: the files and directories that a crash left, under a choice of what became of everything unsynced.
 *
 * The choices cover the fault model: every unsynced sector kept, lost, zeroed, garbage or torn, independently; size apart
 * from data; every unsynced change of a name kept or lost, independently of data and of each other. A killed process
 * ('everything') loses nothing that the kernel was told.
 */
import { applyOnDisk } from './memory-disk'
import type { FileFates, MemoryDirectory, MemoryNames, MemoryNode, NameChange, NamesOnDisk } from './memory-disk'
import { createRandomStream } from './random-stream'
import type { RandomStream } from './random-stream'

/** Files and directories by absolute path; directories in an order in which they can be created. */
export interface DurableImage {
  readonly directories: readonly string[]
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** What may become of a sector that was written and not synced. */
export type SectorFate = 'kept' | 'lost' | 'zeroed' | 'garbage' | 'torn'

/** Decides over everything unsynced. Paths are those under which the files were created. */
export interface Fates {
  sector(path: string, sector: number): SectorFate
  keepsSize(path: string): boolean
  keepsChange(change: NameChange): boolean
  /** Where garbage and the place of a tear come from. */
  readonly random: RandomStream
}

/**
 * 'synced-only': all unsynced is lost, the harshest orderly power loss. 'everything': the process was killed, the kernel
 * lives. `{ seed }`: any subset at random. Or a decision for each.
 */
export type ImageChoice = 'synced-only' | 'everything' | { readonly seed: number } | Fates

/** The image that `choice` leaves of `names` and their files. */
export function imageOf(names: MemoryNames, choice: ImageChoice): DurableImage {
  const directories: string[] = []
  const files = new Map<string, Uint8Array>()
  const fates = choice === 'everything' ? undefined : fatesOf(choice)
  const namesOf = fates === undefined ? (directory: MemoryDirectory) => directory.seen : namesAfterLoss(names, fates)
  const visit = (directory: MemoryDirectory, path: string): void => {
    const entries = [...namesOf(directory)].sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [name, node] of entries) {
      const place = `${path}/${name}`
      if (node.kind === 'file') {
        files.set(place, fates === undefined ? node.seen() : bytesAfterLoss(node, fates))
      } else if (!directories.includes(place)) {
        directories.push(place)
        visit(node, place)
      }
    }
  }
  visit(names.root, '')
  return { directories, files }
}

function fatesOf(choice: Exclude<ImageChoice, 'everything'>): Fates {
  if (choice === 'synced-only') {
    const random = createRandomStream(0, 'unused')
    return { sector: () => 'lost', keepsSize: () => false, keepsChange: () => false, random }
  }
  return 'seed' in choice ? randomFates(choice.seed) : choice
}

/** Any subset of what is unsynced. How much survives is drawn first, or half of everything would be kept each time. */
function randomFates(seed: number): Fates {
  const random = createRandomStream(seed, 'fates')
  const survival = [0.05, 0.3, 0.5, 0.7, 0.95][random.below(5)]!
  const harm = [0, 0.1, 0.5][random.below(3)]!
  const spoiled: readonly SectorFate[] = ['zeroed', 'garbage', 'torn']
  return {
    sector: () => {
      if (random.fraction() < harm) return spoiled[random.below(spoiled.length)]!
      return random.fraction() < survival ? 'kept' : 'lost'
    },
    keepsSize: () => random.fraction() < survival,
    keepsChange: () => random.fraction() < survival,
    random,
  }
}

function namesAfterLoss(names: MemoryNames, fates: Fates): (directory: MemoryDirectory) => NamesOnDisk {
  const copies = new Map<MemoryDirectory, NamesOnDisk>()
  const copyOf = (directory: MemoryDirectory): NamesOnDisk => {
    let copy = copies.get(directory)
    if (copy === undefined) copies.set(directory, (copy = new Map(directory.onDisk)))
    return copy
  }
  for (const change of names.unsyncedChanges) if (fates.keepsChange(change)) applyOnDisk(change, copyOf)
  return copyOf
}

function bytesAfterLoss(node: MemoryNode, fates: Fates): Uint8Array {
  const fileFates: FileFates = {
    keepsSize: () => fates.keepsSize(node.path),
    sector: (sector, { before, after }) => {
      const fate = fates.sector(node.path, sector)
      switch (fate) {
        case 'kept':
          return after
        case 'lost':
          return before
        case 'zeroed':
          return new Uint8Array(before.length)
        case 'garbage':
          return before.map(() => fates.random.below(256))
        case 'torn': {
          const place = fates.random.below(before.length)
          return before.map((byte, index) => (index < place ? after[index]! : byte))
        }
      }
    },
  }
  return node.afterPowerLoss(fileFates)
}
