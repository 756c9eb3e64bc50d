/** What the disk in memory keeps and loses: the rules by which every crash test of the store is judged. */
import type { DurableImage, Fates, SectorFate } from '../../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createRandomStream } from '../../support/memory-runtime/random-stream'

let runtime: MemoryRuntime
beforeEach(() => {
  runtime = createMemoryRuntime({ seed: 7 })
})

/** A durable, empty file. */
async function durableFile(path: string) {
  const file = await runtime.files.open(path, 'create')
  await runtime.files.syncDirectory(runtime.files.parent(path))
  return file
}
const bytes = (text: string, length = text.length): Uint8Array => Buffer.alloc(length, text)
const contentIn = (image: DurableImage, path: string): string | undefined => {
  const content = image.files.get(path)
  return content === undefined ? undefined : Buffer.from(content).toString('latin1')
}
const namesIn = (image: DurableImage): string[] => [...image.files.keys()]
const synced = (path: string): string | undefined => contentIn(runtime.durableImage('synced-only'), path)
const seen = (path: string): string | undefined => contentIn(runtime.durableImage('everything'), path)

/** Everything fares the same way. */
const uniform = (sector: SectorFate, keeps: { size?: boolean; changes?: boolean } = {}): Fates => ({
  sector: () => sector,
  keepsSize: () => keeps.size ?? true,
  keepsChange: () => keeps.changes ?? true,
  random: createRandomStream(1, 'test'),
})

describe('data', () => {
  test('an unsynced write is lost, with the size it gave, and kept by a mere kill', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('abc'), 0)
    expect(synced('/f')).toBe('')
    expect(seen('/f')).toBe('abc')
  })

  test('a synced write is kept', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('abc'), 0)
    await file.sync()
    expect(synced('/f')).toBe('abc')
  })

  test('a sync covers its own file alone', async () => {
    const [one, other] = [await durableFile('/one'), await durableFile('/other')]
    await one.write(bytes('1'), 0)
    await other.write(bytes('2'), 0)
    await one.sync()
    expect([synced('/one'), synced('/other')]).toEqual(['1', ''])
  })

  test('overwritten bytes go back to what was synced last', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('old'), 0)
    await file.sync()
    await file.write(bytes('NEW!'), 0)
    expect(synced('/f')).toBe('old')
  })

  test('each unsynced sector has a fate of its own', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('o', 5 * 512), 0)
    await file.sync()
    await file.write(bytes('n', 5 * 512), 0)
    const fates: readonly SectorFate[] = ['kept', 'lost', 'zeroed', 'garbage', 'torn']
    const image = runtime.durableImage({ ...uniform('kept'), sector: (_path, sector) => fates[sector]! })
    const parts = [0, 1, 2, 3, 4].map((sector) => contentIn(image, '/f')!.slice(sector * 512, sector * 512 + 512))
    expect(parts[0]).toBe('n'.repeat(512))
    expect(parts[1]).toBe('o'.repeat(512))
    expect(parts[2]).toBe('\0'.repeat(512))
    expect(new Set(parts[3]).size).toBeGreaterThan(100)
    expect(parts[4]).toMatch(/^n+o+$/)
  })

  test('only sectors that were touched are at risk', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('o', 2048), 0)
    await file.sync()
    await file.write(bytes('n'), 600)
    expect(contentIn(runtime.durableImage(uniform('zeroed')), '/f')).toBe(
      'o'.repeat(512) + '\0'.repeat(512) + 'o'.repeat(1024),
    )
  })

  test('size is lost apart from data: a kept size over lost data is zeros, lost size hides kept data', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('a', 512), 0)
    await file.sync()
    await file.write(bytes('b', 512), 512)
    expect(contentIn(runtime.durableImage(uniform('lost', { size: true })), '/f')).toBe(
      'a'.repeat(512) + '\0'.repeat(512),
    )
    expect(contentIn(runtime.durableImage(uniform('kept', { size: false })), '/f')).toBe('a'.repeat(512))
  })

  test('the sectors of a failed sync stay visible, are written by no later sync, and may be lost', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('a', 512), 0)
    runtime.inject = ({ operation }) => (operation === 'sync' ? 'EIO' : undefined)
    await expect(file.sync()).rejects.toThrow('EIO')
    runtime.inject = undefined
    await file.sync()
    expect(seen('/f')).toBe('a'.repeat(512))
    expect(synced('/f')).toBe('')
    await file.write(bytes('b', 512), 512)
    await file.sync()
    expect(synced('/f')).toBe('\0'.repeat(512) + 'b'.repeat(512))
    await file.write(bytes('a', 512), 0)
    await file.sync()
    expect(synced('/f')).toBe('a'.repeat(512) + 'b'.repeat(512))
  })

  test('a sync that succeeded and was reported as failed did succeed', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('a'), 0)
    runtime.inject = () => 'EIO-after'
    await expect(file.sync()).rejects.toThrow('EIO')
    expect(synced('/f')).toBe('a')
  })

  test('an I/O thread syncs by the same rules', async () => {
    const file = await durableFile('/f')
    const thread = await runtime.files.openIoThread('thread')
    const memory = thread.allocate(3)
    memory.set(bytes('abc'))
    const carryOut = (position: number, sync: boolean): Promise<unknown> =>
      new Promise((resolve) => thread.submit({ file, bytes: memory, position, sync }, resolve))
    await carryOut(0, false)
    expect(synced('/f')).toBe('')
    await carryOut(3, true)
    expect(synced('/f')).toBe('abcabc')
  })
})

describe('names', () => {
  test('a created file has no durable name until its directory is synced, synced or not itself', async () => {
    const file = await runtime.files.open('/f', 'create')
    await file.write(bytes('abc'), 0)
    await file.sync()
    expect(namesIn(runtime.durableImage('synced-only'))).toEqual([])
    await runtime.files.syncDirectory('/')
    expect(synced('/f')).toBe('abc')
  })

  test('a rename is lost as a whole: the old names come back with their files', async () => {
    for (const name of ['/a', '/b']) {
      const file = await durableFile(name)
      await file.write(bytes(name), 0)
      await file.sync()
    }
    await runtime.files.rename('/a', '/b')
    expect(seen('/b')).toBe('/a')
    expect([synced('/a'), synced('/b')]).toEqual(['/a', '/b'])
    const kept = runtime.durableImage(uniform('lost'))
    expect(namesIn(kept)).toEqual(['/b'])
    expect(contentIn(kept, '/b')).toBe('/a')
    await runtime.files.syncDirectory('/')
    expect([synced('/a'), synced('/b')]).toEqual([undefined, '/a'])
  })

  test('a durable rename of an unsynced file leads to a file without its data', async () => {
    const file = await runtime.files.open('/tmp', 'create')
    await file.write(bytes('abc'), 0)
    await runtime.files.rename('/tmp', '/f')
    await runtime.files.syncDirectory('/')
    expect(synced('/f')).toBe('')
  })

  test('a removed file comes back until the directory is synced, even if it was closed', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('abc'), 0)
    await file.sync()
    await file.close()
    await runtime.files.remove('/f')
    expect(synced('/f')).toBe('abc')
    expect(seen('/f')).toBeUndefined()
    await runtime.files.syncDirectory('/')
    expect(synced('/f')).toBeUndefined()
  })

  test('a second name of a file is durable with its own directory, and shows what the file has', async () => {
    const file = await durableFile('/a')
    await file.write(bytes('abc'), 0)
    await file.sync()
    await runtime.files.createDirectory('/d')
    await runtime.files.syncDirectory('/')
    expect(await runtime.files.link('/a', '/d/b')).toBe(true)
    expect(synced('/d/b')).toBeUndefined()
    await runtime.files.remove('/a')
    await runtime.files.syncDirectory('/d')
    expect([synced('/a'), synced('/d/b')]).toEqual(['abc', 'abc'])
    await runtime.files.syncDirectory('/')
    expect([synced('/a'), synced('/d/b')]).toEqual([undefined, 'abc'])
  })

  test('a removed directory comes back until its parent is synced', async () => {
    await runtime.files.createDirectory('/d')
    await runtime.files.syncDirectory('/')
    await runtime.files.removeDirectory('/d')
    expect(runtime.durableImage('synced-only').directories).toEqual(['/d'])
    await runtime.files.syncDirectory('/')
    expect(runtime.durableImage('synced-only').directories).toEqual([])
  })

  test('a directory is as durable as its name in its parent', async () => {
    await runtime.files.createDirectory('/d')
    const file = await runtime.files.open('/d/f', 'create')
    await file.sync()
    await runtime.files.syncDirectory('/d')
    expect(runtime.durableImage('synced-only')).toEqual({ directories: [], files: new Map() })
    await runtime.files.syncDirectory('/')
    expect(runtime.durableImage('synced-only').directories).toEqual(['/d'])
    expect(synced('/d/f')).toBe('')
  })

  test('changes are kept or lost independently of each other', async () => {
    await (await runtime.files.open('/a', 'create')).close()
    await (await runtime.files.open('/b', 'create')).close()
    const image = runtime.durableImage({ ...uniform('kept'), keepsChange: ({ name }) => name === 'b' })
    expect(namesIn(image)).toEqual(['/b'])
  })

  test('the changes of a failed directory sync are made durable by no later one', async () => {
    await (await runtime.files.open('/a', 'create')).close()
    runtime.inject = () => 'EIO'
    await expect(runtime.files.syncDirectory('/')).rejects.toThrow('EIO')
    runtime.inject = undefined
    await (await runtime.files.open('/b', 'create')).close()
    await runtime.files.syncDirectory('/')
    expect(namesIn(runtime.durableImage('synced-only'))).toEqual(['/b'])
  })
})

describe('reboots', () => {
  test('a reboot finds the image, all of it durable, and images are values', async () => {
    await runtime.files.createDirectory('/d')
    const file = await runtime.files.open('/d/f', 'create')
    await file.write(bytes('abc'), 0)
    const image = runtime.durableImage('everything')
    await file.write(bytes('xyz'), 0)
    const rebooted = createMemoryRuntime({ files: image })
    expect(rebooted.durableImage('synced-only')).toEqual(image)
    const found = await rebooted.files.open('/d/f', 'write')
    await found.write(bytes('new'), 0)
    expect(contentIn(rebooted.durableImage('synced-only'), '/d/f')).toBe('abc')
    expect(contentIn(image, '/d/f')).toBe('abc')
    expect(seen('/d/f')).toBe('xyz')
  })

  test('a seed gives one image, and seeds together reach what may happen', async () => {
    const file = await durableFile('/f')
    await file.write(bytes('o', 1024), 0)
    await file.sync()
    await file.write(bytes('n', 1024), 0)
    const contents = Array.from({ length: 300 }, (_, seed) => contentIn(runtime.durableImage({ seed }), '/f')!)
    expect(contentIn(runtime.durableImage({ seed: 5 }), '/f')).toBe(contents[5])
    const [o, n, zero] = ['o', 'n', '\0'].map((letter) => letter.repeat(512))
    for (const content of [`${o}${o}`, `${n}${n}`, `${o}${n}`, `${n}${o}`, `${zero}${n}`])
      expect(contents).toContain(content)
  })
})
