import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import ssh2 from 'ssh2'
import type { KeyRecord } from '../../../gateway/auth/index.ts'
import { createShares } from '../../../gateway/http/shares.ts'
import { openRecords } from '../../../gateway/records/table.ts'
import { createDoor, type DoorComponents } from '../../../gateway/ssh/door.ts'
import { openSshKeys, type SshKeys } from '../../../gateway/ssh/ssh-keys.ts'
import type { ExecEvent } from '../../../node/reach/index.ts'
import { parsePublicKey } from '../../../node/ssh/public-key.ts'

const ADA_JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'
const MAL_JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g4'

describe('the door for SSH of a gateway', () => {
  let folder: string
  let db: Awaited<ReturnType<typeof openRecords>>
  let sshKeys: SshKeys
  let keys: Map<string, Pick<KeyRecord, 'owner' | 'grants' | 'digest'>>
  let jobs: { id: string; owner: string; spec: { name: string } }[]
  /** Whether a look at jobs stops before all were seen. */
  let isCutShort: boolean
  const shares = createShares('sockets', { key: 2, owner: 2, address: 2, all: 2 })
  const { type, blob } = parsePublicKey(ssh2.utils.generateKeyPairSync('ed25519').public)
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-door-'))
    db = await openRecords(folder)
  })
  beforeEach(async () => {
    keys = new Map([
      ['key_ada', { owner: 'ada', grants: ['jobs:write'], digest: 'a' }],
      ['key_mal', { owner: 'mal', grants: ['jobs:write'], digest: 'm' }],
    ])
    jobs = [
      { id: ADA_JOB, owner: 'ada', spec: { name: 'web' } },
      { id: MAL_JOB, owner: 'mal', spec: { name: 'train' } },
    ]
    isCutShort = false
    sshKeys = await openSshKeys({ db, keys: { get: (id) => keys.get(id) as KeyRecord | undefined } })
  })
  after(async () => {
    await db.close()
    await rm(folder, { recursive: true, force: true })
  })

  const door = () =>
    createDoor({
      node: {
        store: {
          get: async (id: string) => jobs.find((job) => job.id === id),
          listIds: async ({ owner, where }: { owner?: string; where: (job: unknown) => boolean }) => ({
            ids: jobs.filter((job) => (owner === undefined || job.owner === owner) && where(job)).map(({ id }) => id),
            searched: isCutShort ? 1000 : null,
          }),
        },
        reach: {
          exec: async () => ({
            async *output(): AsyncGenerator<ExecEvent> {
              yield { type: 'exited', exitCode: 0 }
            },
            close: () => undefined,
          }),
          tunnel: async () => new PassThrough(),
        },
      } as unknown as DoorComponents['node'],
      sshKeys,
      keyGuard: { slowDown: async () => undefined, noteWrong: () => undefined },
      revocation: { watch: () => () => undefined },
      shares,
    })
  async function admitted(user: string) {
    const guest = await door().admit({ algorithm: type, blob }, user, '192.0.2.1')
    assert.ok(guest !== null)
    return guest
  }
  const landsIn = async (user: string): Promise<string> => await (await admitted(user)).target.jobId()
  const add = async (owner: string) => {
    const base = { id: `sshkey_${owner}`, owner, keyId: `key_${owner}`, name: owner, type, createdAtMs: 1 }
    return await sshKeys.add({ ...base, blob: blob.toString('base64') })
  }

  test('a key of one owner finds jobs by name and by the beginning of an id', async () => {
    const record = await add('ada')
    assert.equal(await landsIn('web'), ADA_JOB)
    assert.equal(await landsIn(ADA_JOB.slice(4, 24)), ADA_JOB)
    await assert.rejects(landsIn('train'), /no job train/)
    isCutShort = true
    await assert.rejects(landsIn('web'), /give the whole id/)
    assert.equal(await landsIn(ADA_JOB), ADA_JOB)
    await sshKeys.del(record)
  })

  test('whoever adds another’s public key has them land nowhere', async () => {
    const records = [await add('ada'), await add('mal')]
    for (const user of ['web', 'train', MAL_JOB.slice(4, 29)]) {
      await assert.rejects(landsIn(user), /no whole id/)
    }
    jobs = [{ id: MAL_JOB, owner: 'mal', spec: { name: ADA_JOB } }]
    await assert.rejects(landsIn(ADA_JOB), /no whole id/)
    jobs.push({ id: ADA_JOB, owner: 'ada', spec: { name: 'web' } })
    const guest = await admitted(ADA_JOB)
    assert.equal(guest.name, 'ada')
    assert.equal(await guest.target.jobId(), ADA_JOB)
    for (const record of records) await sshKeys.del(record)
  })

  test('a key opens nothing once the API key has another text under the same id, or it was removed meanwhile', async () => {
    const record = await add('ada')
    const guest = await admitted('web')
    await sshKeys.del(record)
    let ended = 0
    guest.watch(() => {
      ended += 1
    })
    await setImmediate()
    assert.equal(ended, 1)
    await add('ada')
    keys.set('key_ada', { owner: 'ada', grants: ['jobs:write'], digest: 'another' })
    assert.equal(await door().admit({ algorithm: type, blob }, 'web', '192.0.2.1'), null)
  })

  test('commands and connections take the places of sockets, and give them back', async () => {
    keys.set('key_ada', { owner: 'ada', grants: ['jobs:write'], digest: 'a' })
    const { target } = await admitted('web')
    const { signal } = new AbortController()
    const sessions = [await target.exec({ command: ['a'] }, signal), await target.exec({ command: ['b'] }, signal)]
    await assert.rejects(target.exec({ command: ['c'] }, signal), /2 sockets are open/)
    await assert.rejects(target.tunnel(80, signal), /2 sockets are open/)
    sessions[0]?.close()
    for await (const event of sessions[1]?.output() ?? []) assert.equal(event.type, 'exited')
    assert.equal(shares.size(), 0)
    const held = target.place()
    assert.equal(shares.size(), 1)
    held()
  })
})
