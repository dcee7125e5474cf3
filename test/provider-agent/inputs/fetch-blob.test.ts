/** Between a requester that gives what its job brings and a provider that fetches it. */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import type { InputSource } from '../../../node/inputs/index.ts'
import { serveInputs } from '../../../node/inputs/serve.ts'
import { silentLogger } from '../../../node/logger.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import type { BlobInput } from '../../../protocol/job-inputs.ts'
import { DataError } from '../../../provider-agent/inputs/data-error.ts'
import { fetchBlob } from '../../../provider-agent/inputs/fetch-blob.ts'
import type { LeaseRecord } from '../../../provider-agent/journal/records.ts'
import { createMemoryHub, type MemoryHub, type MemoryPeer } from '../../support/memory-network.ts'
import { sampleLease } from '../../support/sample-lease.ts'

const KiB = 1024
const BYTES = randomBytes(300 * KiB)
const JOB_ID = `job_${'0'.repeat(26)}`

let folder: string
let part: string
let hub: MemoryHub
let requester: MemoryPeer
let provider: MemoryPeer
let job: JobRecord
let source: Buffer | null
let offsets: number[]
const scope = new AbortController()

function inputOf(bytes: Buffer, change: Partial<BlobInput['blob']> = {}): BlobInput {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { path: '/in', writable: false, blob: { sha256, bytes: bytes.length, folder: false, ...change } }
}

async function fetch(from: MemoryPeer, input: BlobInput, fence = 1): Promise<number[]> {
  const told: number[] = []
  const record = { requester: requester.network.peerId, addresses: [], jobId: JOB_ID, fence } as unknown as LeaseRecord
  const wanted = { record, input, part, onBytes: (bytes: number) => void told.push(bytes) }
  await fetchBlob({ network: from.network, clock: systemClock }, wanted, scope.signal)
  return told
}

describe('what a job brings, on its way', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-fetch-'))
    part = join(folder, 'part')
    hub = createMemoryHub()
    requester = await hub.join()
    provider = await hub.join()
    source = BYTES
    offsets = []
    const lease = sampleLease({ provider: provider.network.peerId, fence: 1 })
    job = { id: JOB_ID, state: { status: 'scheduled', lease }, inputs: [inputOf(BYTES)] } as unknown as JobRecord
    const kept: InputSource = {
      async open(_job, _sha256, offset) {
        offsets.push(offset)
        return source && { bytes: source.length, stream: Readable.from([source.subarray(offset)]) }
      },
    }
    serveInputs(
      {
        network: requester.network,
        store: { get: async (id) => (id === JOB_ID ? job : undefined) },
        ...{ clock: systemClock, logger: silentLogger, sources: [kept] },
      },
      scope.signal,
    )
  })
  afterEach(async () => await rm(folder, { recursive: true }))

  it('arrives whole, and tells how much there is', async () => {
    const told = await fetch(provider, inputOf(BYTES))
    assert.deepEqual([told[0], told.at(-1)], [0, BYTES.length])
    assert.deepEqual(await readFile(part), BYTES)
  })

  it('goes on at the byte where it broke off', async () => {
    await writeFile(part, BYTES.subarray(0, 100_001))
    const told = await fetch(provider, inputOf(BYTES))
    assert.deepEqual([offsets, told[0]], [[100_001], 100_001])
    assert.deepEqual(await readFile(part), BYTES)
  })

  it('is kept as far as it came where the link breaks', async () => {
    let messages = 0
    hub.rule = ({ kind, from }) => {
      if (kind === 'message' && from === requester.network.peerId) messages += 1
      return messages > 3 ? 'drop' : 'pass'
    }
    await assert.rejects(fetch(provider, inputOf(BYTES)), (error) => !(error instanceof DataError))
    const { length } = await readFile(part)
    assert.equal(length, 2 * 64 * KiB, 'two pieces behind the answer')
    hub.rule = () => 'pass'
    await fetch(provider, inputOf(BYTES))
    assert.deepEqual([offsets, (await readFile(part)).equals(BYTES)], [[0, length], true])
  })

  it('is asked of nobody where all of it is there', async () => {
    await writeFile(part, BYTES)
    await fetch(provider, inputOf(BYTES))
    assert.deepEqual(offsets, [])
  })

  it('ends the job where it is not what its digest says, and nothing of it is kept', async () => {
    source = Buffer.from(BYTES).fill(0, 1_000, 1_001)
    const isDamaged = (error: unknown) => error instanceof DataError && error.details.reason === 'digest-mismatch'
    await assert.rejects(fetch(provider, inputOf(BYTES)), isDamaged)
    assert.equal((await readFile(part)).length, 0)
    source = Buffer.alloc(5)
    await assert.rejects(fetch(provider, inputOf(BYTES)), isDamaged, 'of another size')
    source = null
    await assert.rejects(fetch(provider, inputOf(BYTES)), (error) => {
      return error instanceof DataError && error.details.reason === 'upload-gone'
    })
  })

  it('is given to nobody but the provider that has the job, and nothing but what the job names', async () => {
    const refused = (error: unknown): boolean => !(error instanceof DataError) && /UNKNOWN_LEASE/.test(String(error))
    const stranger = await hub.join()
    await assert.rejects(fetch(stranger, inputOf(BYTES)), refused, 'who knows the digest')
    await assert.rejects(fetch(provider, inputOf(BYTES), 2), refused, 'another attempt')
    const other = inputOf(Buffer.from('of another job'))
    await assert.rejects(fetch(provider, other), (error) => error instanceof DataError, 'another blob')
    for (const state of [
      { status: 'running', lease: sampleLease({ provider: provider.network.peerId }) },
      { status: 'pending', award: null },
      { status: 'pending', award: sampleLease({ provider: stranger.network.peerId }) },
      { status: 'cancelled', lease: sampleLease({ provider: provider.network.peerId }) },
    ]) {
      job = { ...job, state } as unknown as JobRecord
      await assert.rejects(fetch(provider, inputOf(BYTES)), refused, JSON.stringify(state.status))
    }
    assert.deepEqual(offsets, [])
    job = {
      ...job,
      state: { status: 'pending', award: sampleLease({ provider: provider.network.peerId }) },
    } as unknown as JobRecord
    await fetch(provider, inputOf(BYTES))
  })

  it('of no bytes is a file of none', async () => {
    source = Buffer.alloc(0)
    job = { ...job, inputs: [inputOf(source)] }
    assert.deepEqual(await fetch(provider, inputOf(source)), [0])
  })
})
