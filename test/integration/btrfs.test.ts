import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { holdFolder, removeHeld } from '../../provider-agent/engine/storage/btrfs.ts'
import { findProgram } from '../../scripts/apt.ts'
import { namespaceProblem } from '../faults/support/namespaces.ts'
import { makeBtrfs } from './support/btrfs.ts'

// Root on Linux, as for namespaces.
const problem = await namespaceProblem()
const MiB = 1024 ** 2
/** Of Linux; Node has no name for it. */
const EDQUOT = 122

describe('quotas of btrfs', { skip: problem ?? false }, () => {
  const stack = new AsyncDisposableStack()
  let root: string
  let btrfs: (...args: string[]) => Promise<unknown>

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-btrfs-'))
    stack.defer(async () => await rm(folder, { recursive: true }))
    root = await makeBtrfs(folder, stack)
    const program = (await findProgram('btrfs')) ?? 'btrfs'
    btrfs = async (...args) => await promisify(execFile)(program, args)
    await btrfs('quota', 'enable', root)
  })
  after(async () => await stack.disposeAsync())

  it('hold a folder to its size', async () => {
    const held = join(root, 'held')
    await mkdir(held)
    await holdFolder(held, 8 * MiB)
    await writeFile(join(held, 'fits'), Buffer.alloc(4 * MiB))
    await assert.rejects(writeFile(join(held, 'more'), Buffer.alloc(16 * MiB)), { errno: -EDQUOT })
  })

  it('do not keep what is fuller than it may be, with a subvolume in it, from being removed', async () => {
    const full = join(root, 'full')
    await mkdir(full)
    await holdFolder(full, 32 * MiB)
    await btrfs('subvolume', 'create', join(full, 'sub'))
    await writeFile(join(full, 'much'), Buffer.alloc(16 * MiB))
    await btrfs('filesystem', 'sync', root)
    await holdFolder(full, 4 * MiB)
    const remove = async (): Promise<void> => {
      await btrfs('subvolume', 'delete', join(full, 'sub'))
      await btrfs('subvolume', 'delete', full)
    }
    await assert.rejects(remove, /Disk quota exceeded/)
    await removeHeld(remove, async () => full, undefined)
    assert.ok(!existsSync(full))
  })

  it('are not lifted where something else went wrong', async () => {
    const broken = async (): Promise<void> => {
      throw new Error('no such container')
    }
    const folder = async (): Promise<string> => assert.fail('asked for the folder')
    await assert.rejects(removeHeld(broken, folder, undefined), /no such container/)
  })
})
