/** The program's own commands, before a gateway that runs and one that does not. */

import assert from 'node:assert/strict'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CortexClient } from '../../../gateway/client/index.ts'
import { type LocalNetwork, startLocalNetwork } from '../../../scripts/local-network.ts'
import { until } from '../../support/until.ts'
import { type Cortex, openCortex } from '../support/cortex.ts'

describe('cortex gateway backup · restore · verify', () => {
  let network: LocalNetwork
  let cortex: Cortex
  let data: string

  before(async () => {
    cortex = await openCortex()
    network = await startLocalNetwork({ dockerHost: '', agents: [] })
    data = network.folder
  })
  after(async () => {
    await network.stop()
    await cortex.close()
  })

  const gateway = async (...words: string[]) => await cortex.run(['gateway', ...words])

  it('takes what a running gateway has to another folder, by its socket', async () => {
    const client = new CortexClient({ baseUrl: network.url, apiKey: network.key })
    const { id } = await client.jobs.submit({ image: 'busybox' })
    await client.jobs.cancel(id)
    await until(async () => (await client.jobs.get(id)).status === 'cancelled')
    const socket = join(data, 'gateway/control/gateway.sock')
    assert.equal((await stat(socket)).mode & 0o777, 0o600)

    const file = join(cortex.folder, 'gateway.tar')
    const made = await gateway('backup', file, '--data', data)
    assert.equal(made.code, 0, made.err)
    assert.match(made.err, /^It holds the private key of 12D3\w+\. Whoever has it is this peer/)
    assert.match(made.out, /^jobs +.*jobs 1/m)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const again = await gateway('backup', file, '--data', data)
    assert.deepEqual(
      [again.code, again.err],
      [1, `cortex: There is a file ${file} already: name another, nothing is written over\n`],
    )
    assert.equal((await gateway('verify', file)).code, 0)

    const refused = await gateway('restore', file, '--data', data)
    assert.match(refused.err, /is not empty: give another --data, or --replace/)
    const inUse = await gateway('restore', file, '--data', data, '--replace')
    assert.match(inUse.err, /is in use: stop what runs there/)

    // What comes after is not in it.
    await client.webhooks.create({ url: 'https://93.184.216.34/hook', events: ['job.completed'] })
    const [program] = network.processes
    await program?.end()
    const restored = await gateway('restore', file, '--data', data, '--replace', '--json')
    assert.equal(restored.code, 0, restored.err)
    const { peerId } = JSON.parse(restored.out)
    program?.restart()
    await until(async () => (await client.me().catch(() => null)) !== null)
    assert.equal((await client.jobs.get(id)).status, 'cancelled')
    assert.equal((await client.webhooks.list()).items.length, 0)
    const who = await cortex.run(['id', '--data', data])
    assert.equal(who.out.trim(), peerId)
    await program?.end()

    const stopped = join(cortex.folder, 'stopped.tar')
    const offline = await gateway('backup', stopped, '--data', data, '--with-files', '--json')
    assert.equal(offline.code, 0, offline.err)
    assert.equal(JSON.parse(offline.out).records.jobs.jobs, 1)
    await rm(stopped)
  })

  it('says in one line what is wrong', async () => {
    const nothing = await gateway('backup', join(cortex.folder, 'x'), '--data', join(cortex.folder, 'none'))
    assert.match(nothing.err, /^cortex: There is no gateway in .*: give the --data that it was given\n$/)
    const file = join(cortex.folder, 'gateway.tar')
    const whole = await readFile(file)
    await writeFile(join(cortex.folder, 'cut.tar'), whole.subarray(0, 4_000))
    const cut = await gateway('verify', join(cortex.folder, 'cut.tar'))
    assert.deepEqual([cut.code, cut.out], [1, ''])
    assert.match(cut.err, /^cortex: The backup is damaged: it is cut off behind ".*"\. Nothing of it is used\n$/)
    const other = await cortex.run(['agent', 'restore', file, '--data', join(cortex.folder, 'a')])
    assert.match(other.err, /a backup of a gateway, 12D3\w+: use 'cortex gateway restore'/)
    const short = await cortex.run(['gateway', 'verify', file], { env: { CORTEX_BACKUP_PASSPHRASE: 'short' } })
    assert.equal(short.code, 0, short.err) // it is not encrypted: nobody asks for one
    const locked = await gateway('backup', join(cortex.folder, 'y'), '--data', data, '--encrypt')
    assert.match(locked.err, /There is no terminal to ask for the passphrase: give --passphrase-file/)
    const alone = await gateway('--backup-keep', '3', '--data', join(cortex.folder, 'none'))
    assert.match(alone.err, /need --backup-to/)
  })
})
