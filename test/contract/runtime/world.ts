/** What the contract of the door is tested in: a runtime, an empty directory, and files on which calls fail. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createNodeRuntime } from '../../../src/runtime/node/node-runtime'
import type { File, Runtime } from '../../../src/runtime/runtime'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

/** One implementation, fresh. */
export interface ContractWorld {
  readonly runtime: Runtime
  /** Empty. */
  readonly directory: string
  /** A place far into a file that this implementation can still write, in bytes. */
  readonly farPosition: number
  /** A file open for writing whose every write finds the disk full. */
  openFull(): Promise<File>
  /** A file open for writing whose every sync fails. */
  openUnsyncable(): Promise<File>
  /** The path of a file on another file system than `directory`. */
  fileElsewhere(): Promise<string>
  end(): void
}

/** The root of the package. */
export const packageRoot = path.resolve(__dirname, '../../..')

/** A directory for one test file; removed by the caller. */
export function createTemporaryDirectory(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'strictkv-runtime-'))
}

/** Compiles a TypeScript entry as the build does, but fresh from the sources of this run. */
export function compileEntry(source: string, into: string): string {
  const outfile = path.join(into, `${path.basename(source, '.ts')}.js`)
  const esbuild = path.join(packageRoot, 'node_modules', 'esbuild', 'bin', 'esbuild')
  const args = [path.join(packageRoot, source), '--bundle', '--platform=node', '--format=cjs', `--outfile=${outfile}`]
  const result = spawnSync(esbuild, [...args, '--log-level=warning'], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`Cannot compile ${source}: ${result.stderr}${String(result.error ?? '')}`)
  return outfile
}

/** The real machine, in a directory under `root`. The two broken files are devices that every Linux has. */
export function createNodeWorld(root: string, workerFile: string): ContractWorld {
  const directory = fs.mkdtempSync(path.join(root, 'world-'))
  const runtime = createNodeRuntime({ workerFile })
  return {
    runtime,
    directory,
    farPosition: 2 ** 32 + 5,
    openFull: () => runtime.files.open('/dev/full', 'write'),
    // Devices cannot be synced: EINVAL.
    openUnsyncable: () => runtime.files.open('/dev/null', 'write'),
    fileElsewhere: () => Promise.resolve('/proc/self/status'),
    end: () => fs.rmSync(directory, { recursive: true, force: true }),
  }
}

/** The machine in memory. */
export async function createMemoryWorld(seed: number): Promise<ContractWorld> {
  const runtime = createMemoryRuntime({
    seed,
    inject: ({ operation, path: file }) => {
      if (file === '/elsewhere' && operation === 'link') return 'EXDEV'
      if (file === '/full' && operation.endsWith('write')) return 'ENOSPC'
      return file === '/unsyncable' && operation.endsWith('sync') ? 'EIO' : undefined
    },
  })
  await runtime.files.createDirectory('/world')
  return {
    runtime,
    directory: '/world',
    farPosition: 2 ** 20 + 5,
    openFull: () => runtime.files.open('/full', 'create'),
    openUnsyncable: () => runtime.files.open('/unsyncable', 'create'),
    fileElsewhere: async () => {
      await (await runtime.files.open('/elsewhere', 'create')).close()
      return '/elsewhere'
    },
    end: () => undefined,
  }
}
