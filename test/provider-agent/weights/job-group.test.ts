/** On folders that look like the kernel's; on the real ones in `test/integration/weights.test.ts`. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bridgePrefix } from '../../../provider-agent/networks/bridge-name.ts'
import { createJobGroup } from '../../../provider-agent/weights/job-group.ts'

const owner = '12D3KooWowner'
const name = bridgePrefix(owner)
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groups-'))
})
after(async () => await rm(folder, { recursive: true }))

/** Files by path, as the kernel has them before anybody asked for a group. */
async function kernel(at: string, files: Record<string, string>): Promise<string> {
  const root = join(folder, at)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}

const read = async (root: string, path: string): Promise<string> => await readFile(join(root, path), 'utf8')

test('with cgroup 1: shares of the processor, and the weight at disks', async () => {
  const root = await kernel('first', { 'cpu/x': '', [`blkio/${name}/blkio.bfq.weight`]: '100\n' })
  const group = createJobGroup({ owner, weight: 10, root })
  assert.equal(await group.ensure({ cgroupVersion: 1, bySystemd: false }), `/${name}`)
  assert.equal(group.problem(), null)
  assert.equal(await read(root, `cpu/${name}/cpu.shares`), '102')
  assert.equal(await read(root, `blkio/${name}/blkio.bfq.weight`), '10')
})

test('with cgroup 1 and a kernel that weighs nobody at disks', async () => {
  const root = await kernel('bare', { 'cpu/x': '' })
  const group = createJobGroup({ owner, weight: 1, root })
  assert.equal(await group.ensure({ cgroupVersion: 1, bySystemd: false }), `/${name}`)
  assert.equal(await read(root, `cpu/${name}/cpu.shares`), '10')
})

test('with cgroup 2: the controllers are handed down, and files that are right are left alone', async () => {
  const root = await kernel('second', {
    'cgroup.subtree_control': '',
    [`${name}/io.weight`]: 'default 10\n',
    [`${name}/io.bfq.weight`]: '100\n',
  })
  const group = createJobGroup({ owner, weight: 10, root })
  assert.equal(await group.ensure({ cgroupVersion: 2, bySystemd: false }), `/${name}`)
  assert.equal(await read(root, 'cgroup.subtree_control'), '+io')
  assert.equal(await read(root, `${name}/cpu.weight`), '10')
  assert.equal(await read(root, `${name}/io.weight`), 'default 10\n')
  assert.equal(await read(root, `${name}/io.bfq.weight`), '10')
  const before = (await stat(join(root, `${name}/cpu.weight`), { bigint: true })).mtimeNs
  await group.ensure({ cgroupVersion: 2, bySystemd: false })
  assert.equal((await stat(join(root, `${name}/cpu.weight`), { bigint: true })).mtimeNs, before)
})

test('where systemd makes the groups, it is told once, and no file is touched', async () => {
  const asked: string[][] = []
  const systemctl = async (args: string[]) => void asked.push(args)
  const group = createJobGroup({ owner, weight: 20, root: join(folder, 'nowhere'), systemctl })
  for (const cgroupVersion of [2, 1] as const) {
    assert.equal(await group.ensure({ cgroupVersion, bySystemd: true }), `${name}.slice`)
  }
  assert.deepEqual(asked, [['set-property', '--runtime', `${name}.slice`, 'CPUWeight=20', 'IOWeight=20']])
})

test('what stands in the way is said, and asked again', async () => {
  let says = 'systemctl failed: Access denied'
  const systemctl = async () => {
    if (says !== '') throw new Error(says)
  }
  const group = createJobGroup({ owner, weight: 20, systemctl })
  assert.equal(await group.ensure({ cgroupVersion: 2, bySystemd: true }), null)
  assert.match(group.problem() ?? '', /no group .*: systemctl failed: Access denied$/)
  says = ''
  assert.equal(await group.ensure({ cgroupVersion: 2, bySystemd: true }), `${name}.slice`)
  assert.equal(group.problem(), null)

  const elsewhere = createJobGroup({ owner, weight: 20, root: join(folder, 'nowhere') })
  assert.equal(await elsewhere.ensure({ cgroupVersion: 1, bySystemd: false }), null)
  assert.match(elsewhere.problem() ?? '', /ENOENT/)
})

test('its end takes out what is empty', async () => {
  const root = await kernel('end', { 'cpu/x': '' })
  const group = createJobGroup({ owner, weight: 10, root })
  await group.ensure({ cgroupVersion: 1, bySystemd: false })
  await rm(join(root, `cpu/${name}/cpu.shares`)) // The kernel's own files do not count.
  for (const kind of ['memory', 'pids', 'devices']) await mkdir(join(root, kind, name), { recursive: true })
  await mkdir(join(root, 'pids', name, 'a-job'))
  await mkdir(join(root, 'memory', 'ctxjffff'))
  await group.stop()
  for (const kind of ['cpu', 'memory', 'devices']) await assert.rejects(stat(join(root, kind, name)), /ENOENT/, kind)
  await stat(join(root, 'pids', name, 'a-job'))
  await stat(join(root, 'memory', 'ctxjffff'))
})
