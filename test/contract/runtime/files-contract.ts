/** The contract of names, directories, files and their errors. */
import { InvariantError } from '../../../src/base/assert'
import { DiskFullError, IoError } from '../../../src/base/errors'
import type { File } from '../../../src/runtime/runtime'
import type { ContractWorld } from './world'

/** Tests of one implementation; `world` gives the fresh one of the running test. */
export function filesContract(world: () => ContractWorld): void {
  const files = () => world().runtime.files
  const place = (name: string): string => files().join(world().directory, name)
  const create = async (name: string, content = ''): Promise<File> => {
    const file = await files().open(place(name), 'create')
    await file.write(Buffer.from(content), 0)
    return file
  }
  const contentOf = async (file: File): Promise<string> => {
    const target = Buffer.alloc((await file.size()) + 10)
    return target.subarray(0, await file.read(target, 0, target.length, 0)).toString('latin1')
  }
  const contentAt = async (name: string): Promise<string> => {
    const file = await files().open(place(name), 'read')
    const content = await contentOf(file)
    await file.close()
    return content
  }
  const ioError = async (promise: Promise<unknown>): Promise<IoError> => {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(IoError)
    return error as IoError
  }

  describe('paths', () => {
    test('join, parent and resolve agree', () => {
      const { directory } = world()
      expect(files().parent(files().join(directory, 'a'))).toBe(directory)
      expect(files().resolve(files().join(directory, 'b', '..', 'a'))).toBe(files().join(directory, 'a'))
      expect(files().parent(files().resolve('some-name'))).toBe(files().resolve('.'))
    })
  })

  describe('names', () => {
    test('create makes an empty file and fails where the name exists', async () => {
      const file = await create('a')
      expect(await file.size()).toBe(0)
      await file.close()
      const error = await ioError(files().open(place('a'), 'create'))
      expect(error.file).toBe(place('a'))
      expect(error.message).toMatch(/^Cannot create ".*a": EEXIST: /)
      expect(error.cause).toMatchObject({ code: 'EEXIST' })
    })

    test('a file opened at once reads like any other, and is closed at once', async () => {
      await (await create('a', 'content')).close()
      const file = files().openSync(place('a'))
      expect(file.path).toBe(place('a'))
      const target = Buffer.alloc(10)
      expect(file.readSync(target, 0, 10, 0)).toBe(7)
      expect(await contentOf(file)).toBe('content')
      await expect(file.write(Buffer.from('x'), 0)).rejects.toThrow(IoError)
      file.closeSync()
      expect(() => file.closeSync()).toThrow(InvariantError)
      expect(() => file.readSync(target, 0, 1, 0)).toThrow(InvariantError)
      const opening = ioError((async () => files().openSync(place('absent')))())
      expect((await opening).message).toContain(`"${place('absent')}": ENOENT: `)
    })

    test('read and write do not create, and an absent file is an error that names it', async () => {
      for (const mode of ['read', 'write'] as const) {
        const error = await ioError(files().open(place('absent'), mode))
        expect(error.message).toContain(`"${place('absent')}": ENOENT: `)
      }
      expect(await files().list(world().directory)).toEqual([])
    })

    test('write opens without truncating', async () => {
      await (await create('a', 'abcdef')).close()
      const file = await files().open(place('a'), 'write')
      await file.write(Buffer.from('XY'), 2)
      expect(await contentOf(file)).toBe('abXYef')
      await file.close()
    })

    test('a file opened for reading refuses writes', async () => {
      await (await create('a', 'abc')).close()
      const file = await files().open(place('a'), 'read')
      await ioError(file.write(Buffer.from('X'), 0))
      expect(await contentOf(file)).toBe('abc')
      await file.close()
    })

    test('status tells files from directories, with sizes, and undefined for nothing', async () => {
      await (await create('a', 'abc')).close()
      await files().createDirectory(place('d'))
      expect(await files().status(place('a'))).toEqual({ kind: 'file', size: 3 })
      expect((await files().status(place('d')))?.kind).toBe('directory')
      expect(await files().status(place('absent'))).toBeUndefined()
      expect(await files().status(place('absent/below'))).toBeUndefined()
      expect((await ioError(files().status(place('a/below')))).cause).toMatchObject({ code: 'ENOTDIR' })
    })

    test('list gives the names in ascending order of their characters', async () => {
      for (const name of ['b', 'a10', 'B', 'a9', '_', 'a']) await (await create(name)).close()
      expect(await files().list(world().directory)).toEqual(['B', '_', 'a', 'a10', 'a9', 'b'])
    })

    test('list of a file or of nothing is an error', async () => {
      await (await create('a')).close()
      expect((await ioError(files().list(place('a')))).cause).toMatchObject({ code: 'ENOTDIR' })
      expect((await ioError(files().list(place('absent')))).cause).toMatchObject({ code: 'ENOENT' })
    })

    test('createDirectory makes one level and refuses a name that exists', async () => {
      await files().createDirectory(place('d'))
      await files().createDirectory(place('d/e'))
      expect(await files().list(place('d'))).toEqual(['e'])
      expect((await ioError(files().createDirectory(place('d')))).cause).toMatchObject({ code: 'EEXIST' })
      expect((await ioError(files().createDirectory(place('x/y')))).cause).toMatchObject({ code: 'ENOENT' })
    })

    test('rename moves a name, replaces a file that has it, and fails for nothing', async () => {
      await (await create('a', 'new')).close()
      await (await create('b', 'old')).close()
      await files().rename(place('a'), place('b'))
      expect(await files().list(world().directory)).toEqual(['b'])
      expect(await contentAt('b')).toBe('new')
      expect((await ioError(files().rename(place('a'), place('c')))).cause).toMatchObject({ code: 'ENOENT' })
    })

    test('a removed or replaced file stays readable and writable through open handles', async () => {
      const removed = await create('a', 'removed')
      const replaced = await create('b', 'replaced')
      await (await create('c', 'new')).close()
      await files().remove(place('a'))
      await files().rename(place('c'), place('b'))
      expect(await files().list(world().directory)).toEqual(['b'])
      await removed.write(Buffer.from('R'), 0)
      expect(await contentOf(removed)).toBe('Removed')
      expect(await contentOf(replaced)).toBe('replaced')
      await removed.close()
      await replaced.close()
    })

    test('a link is a second name of one file, which stays when the first is gone or is another file', async () => {
      const file = await create('a', 'content')
      expect(await files().link(place('a'), place('b'))).toBe(true)
      await file.write(Buffer.from('C'), 0)
      await file.close()
      expect(await contentAt('b')).toBe('Content')
      await files().remove(place('a'))
      await (await create('a', 'other')).close()
      expect(await contentAt('b')).toBe('Content')
      expect(await files().list(world().directory)).toEqual(['a', 'b'])
    })

    test('a link to another file system is not made, and says so without an error', async () => {
      expect(await files().link(await world().fileElsewhere(), place('a'))).toBe(false)
      expect(await files().list(world().directory)).toEqual([])
    })

    test('a link under a name that exists, or of what is not there, is an error', async () => {
      await (await create('a', 'first')).close()
      await (await create('b', 'second')).close()
      const error = await ioError(files().link(place('a'), place('b')))
      expect(error.message).toContain('EEXIST')
      expect(error.cause).toMatchObject({ code: 'EEXIST' })
      expect(await contentAt('b')).toBe('second')
      expect((await ioError(files().link(place('absent'), place('c')))).cause).toMatchObject({ code: 'ENOENT' })
      expect((await ioError(files().link(place('a'), place('absent/c')))).cause).toMatchObject({ code: 'ENOENT' })
    })

    test('an empty directory is removed, and nothing else by that call', async () => {
      await files().createDirectory(place('d'))
      await (await create('d/a')).close()
      expect((await ioError(files().removeDirectory(place('d')))).cause).toMatchObject({ code: 'ENOTEMPTY' })
      expect((await ioError(files().removeDirectory(place('d/a')))).cause).toMatchObject({ code: 'ENOTDIR' })
      expect((await ioError(files().removeDirectory(place('absent')))).cause).toMatchObject({ code: 'ENOENT' })
      await files().remove(place('d/a'))
      await files().removeDirectory(place('d'))
      expect(await files().list(world().directory)).toEqual([])
    })

    test('removing what is not there, or a directory, is an error', async () => {
      await files().createDirectory(place('d'))
      await ioError(files().remove(place('absent')))
      await ioError(files().remove(place('d')))
      expect(await files().list(world().directory)).toEqual(['d'])
    })

    test('syncDirectory succeeds on a directory and fails on nothing', async () => {
      await (await create('a')).close()
      await files().syncDirectory(world().directory)
      await ioError(files().syncDirectory(place('absent')))
    })

    test('freeBytes is a number of bytes, and an error where there is nothing', async () => {
      const free = await files().freeBytes(world().directory)
      expect(Number.isSafeInteger(free) && free > 0).toBe(true)
      await ioError(files().freeBytes(place('absent')))
    })
  })

  describe('files', () => {
    test('read gives fewer bytes only at the end of the file, and touches nothing outside its range', async () => {
      const file = await create('a', 'abcdef')
      for (const read of [
        async (target: Uint8Array, ...range: [number, number, number]) => file.read(target, ...range),
        async (target: Uint8Array, ...range: [number, number, number]) => file.readSync(target, ...range),
      ]) {
        const target = Buffer.alloc(8, '.')
        expect(await read(target, 2, 3, 1)).toBe(3)
        expect(target.toString()).toBe('..bcd...')
        expect(await read(target, 0, 8, 4)).toBe(2)
        expect(target.toString()).toBe('efbcd...')
        expect(await read(target, 0, 8, 6)).toBe(0)
        expect(await read(target, 0, 8, 1000)).toBe(0)
        expect(await read(target, 8, 0, 0)).toBe(0)
        expect(target.toString()).toBe('efbcd...')
      }
      await file.close()
    })

    test('a write beyond the end leaves zeros between, and writing nothing changes nothing', async () => {
      const file = await create('a', 'ab')
      await file.write(Buffer.from('z'), 2000)
      expect(await file.size()).toBe(2001)
      const target = Buffer.alloc(2001, 1)
      expect(await file.read(target, 0, 2001, 0)).toBe(2001)
      expect(target.equals(Buffer.concat([Buffer.from('ab'), Buffer.alloc(1998), Buffer.from('z')]))).toBe(true)
      await file.write(new Uint8Array(0), 5000)
      expect(await file.size()).toBe(2001)
      await file.close()
    })

    test('megabytes written at once are read back at once', async () => {
      const file = await files().open(place('a'), 'create')
      const bytes = Buffer.alloc(3_000_001).map((_, index) => (index * 31 + (index >> 8)) & 0xff)
      await file.write(bytes, 4097)
      await file.sync()
      const target = Buffer.alloc(bytes.length)
      expect(await file.read(target, 0, target.length, 4097)).toBe(bytes.length)
      expect(target.equals(bytes)).toBe(true)
      await file.close()
    })

    test('reads and writes in flight together each do their own work', async () => {
      const file = await create('a', '')
      await Promise.all(Array.from({ length: 26 }, (_, at) => file.write(Buffer.from([97 + at]), at)))
      const targets = Array.from({ length: 26 }, () => Buffer.alloc(1))
      await Promise.all(targets.map((target, at) => file.read(target, 0, 1, at)))
      expect(Buffer.concat(targets).toString()).toBe('abcdefghijklmnopqrstuvwxyz')
      await file.close()
    })

    test('a full disk is a DiskFullError that names file and offset', async () => {
      const file = await world().openFull()
      const error: unknown = await file.write(Buffer.from('x'), 7).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(DiskFullError)
      expect((error as Error).message).toMatch(/^Cannot write "\/.*full" at offset 7: ENOSPC: no space left on device$/)
      await file.close()
    })

    test('a failed sync is an IoError of that operation', async () => {
      const file = await world().openUnsyncable()
      const error = await ioError(file.sync())
      expect(error).toMatchObject({ operation: 'sync', file: file.path, code: 'IO', retryable: false })
      await file.close()
    })

    test('using a closed file and ranges outside the memory given are caught', async () => {
      const file = await create('a', 'abc')
      const target = Buffer.alloc(4)
      const caught = async (use: () => unknown): Promise<void> => {
        await expect(Promise.resolve().then(use)).rejects.toBeInstanceOf(InvariantError)
      }
      await caught(() => file.read(target, 2, 3, 0))
      await caught(() => file.readSync(target, -1, 1, 0))
      await caught(() => file.read(target, 0, 1, -1))
      await caught(() => file.write(target, 0.5))
      await file.close()
      await caught(() => file.read(target, 0, 1, 0))
      await caught(() => file.readSync(target, 0, 1, 0))
      await caught(() => file.write(target, 0))
      await caught(() => file.sync())
      await caught(() => file.size())
      await caught(() => file.close())
    })
  })
}
