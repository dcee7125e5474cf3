/** Images that no registry has, sent by who has them, on a real engine and over real links. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { readImageArchive } from '../../node/images/read-archive.ts'
import type { ClientNode } from '../../node/index.ts'
import { giveLocal } from '../../node/inputs/give-local.ts'
import type { JobRecord } from '../../node/store/index.ts'
import { type JobSubmission, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { sentName } from '../../provider-agent/images/names.ts'
import { type OwnNode, openNode } from '../faults/walk/support/stage.ts'
import { closeAll } from '../support/close-all.ts'
import { configOf, dockerArchive, hexOf, ociArchive, tarOfFiles } from '../support/image-archive.ts'
import { until } from '../support/until.ts'
import { openMarket, type TestMarket } from './support/market.ts'

/** Nobody else's on the engine. */
const NAME = `test-${randomBytes(6).toString('hex')}/app:dev`

describe('images that are sent', () => {
  let market: TestMarket
  /** Peer ids of who sends any. */
  const senders: string[] = []
  /** The only layer of the image that everything here is built on. */
  let base: Buffer

  before(async () => {
    market = await openMarket()
    await market.addSeller()
    senders.push(market.node.network.peerId)
    const folder = await mkdtemp(join(market.folder, 'base-'))
    const { layers } = await readImageArchive(Readable.from(await market.docker.getImage(market.image).get()), folder)
    base = await readFile(layers[0]?.path ?? '')
  })
  after(async () => {
    let names: string[] = []
    await closeAll(
      async () => (names = (await Promise.all(senders.map(sentBy))).flat()),
      async () => await market.close(),
      async () => {
        for (const name of names) await market.docker.getImage(name).remove({ force: true })
      },
    )
  })

  /** What the engine calls what this peer sent. */
  async function sentBy(peerId: string): Promise<string[]> {
    const all = (await market.docker.listImages()).flatMap(({ RepoTags: names }) => names ?? [])
    return all.filter((name) => name.includes(sentName(peerId, '')))
  }

  const run = { Cmd: ['/bin/sh'], Env: ['PATH=/bin:/usr/bin'] }
  const layerOf = async (text: string): Promise<Buffer> => await tarOfFiles({ 'app/text': text })
  const archiveOf = async (layers: Buffer[]) => await dockerArchive(NAME, layers, configOf(layers, { config: run }))

  async function give(archive: Buffer, { uploads }: Pick<ClientNode, 'uploads'> = market.node): Promise<string> {
    const folder = await mkdtemp(join(market.folder, 'archive-'))
    const { manifest, config, layers } = await readImageArchive(Readable.from([archive]), folder)
    for (const { path } of [...layers, config, manifest]) await giveLocal(uploads, 'test', path)
    return manifest.digest
  }

  /** As if its disk had lost it: whoever asks for it is told that it is gone. */
  async function lose(hex: string): Promise<void> {
    await rm(join(market.folder, 'client-node/uploads', `${hex}.blob`))
  }

  const job = (script: string, upload: string, changes: Partial<JobSubmission> = {}): JobSubmission =>
    market.job(script, { image: NAME, imageFrom: { upload }, ...changes })

  async function said({ store }: Pick<ClientNode, 'store'>, { id, state }: JobRecord): Promise<string> {
    const log = (await store.logs(id, 1, 1_000)).map(({ line }) => line).join('\n')
    assert.equal(state.status, 'completed', `${JSON.stringify(state)} ${log}`)
    return log
  }

  async function prints(upload: string): Promise<string> {
    const { id } = await market.submit(job('cat /app/text', upload))
    return await said(market.node, await market.ended(id))
  }

  async function fails(upload: string, changes: Partial<JobSubmission> = {}) {
    const { id } = await market.submit(job('true', upload, changes))
    const { state } = await market.ended(id)
    assert.ok(state.status === 'failed', JSON.stringify(state))
    return [state.failure.code, state.failure.details['reason']]
  }

  it('run, the second time without anything being sent, and then with the layer alone that changed', async () => {
    const [first, second] = [await layerOf('first'), await layerOf('second')]
    const upload = await give(await archiveOf([base, first]))
    assert.equal(await prints(upload), 'first')
    await lose(hexOf(base))
    await lose(hexOf(first))
    assert.equal(await prints(upload), 'first', 'it is there, and nobody is asked for it')
    const folder = await mkdtemp(join(market.folder, 'changed-'))
    const { manifest, config, layers } = await readImageArchive(
      Readable.from([await archiveOf([base, second])]),
      folder,
    )
    for (const { path } of [layers[1], config, manifest].filter((one) => one !== undefined)) {
      await giveLocal(market.node.uploads, 'test', path)
    }
    assert.equal(await prints(manifest.digest), 'second', 'the layer that did not change was lost here')
    // For the tests below, which have the same.
    for (const { id, sha256 } of market.node.uploads.list('test')) {
      if (sha256 === hexOf(base) || sha256 === hexOf(first)) await market.node.uploads.remove('test', id)
    }
  })

  it('run as others save them, their layers in the order of the manifest', async () => {
    const layers = [base, await layerOf('below'), await layerOf('above')]
    assert.equal(await prints(await give(await ociArchive(NAME, layers, configOf(layers, { config: run })))), 'above')
  })

  it('are on the engine under a name of their sender’s, by which nobody runs them', async () => {
    await prints(await give(await archiveOf([base, await layerOf('mine')])))
    const names = (await market.docker.listImages()).flatMap(({ RepoTags: tags }) => tags ?? [])
    assert.ok(!names.includes(NAME))
    const [sent] = await sentBy(market.node.network.peerId)
    assert.ok(sent !== undefined, names.join())
    const { id } = await market.submit(market.job('true', { image: sent, queueTimeout: 5 }))
    assert.equal((await market.ended(id)).state.status, 'failed')
  })

  it('are given to nobody else, however well they know the digests, and nobody is told that they are there', async () => {
    const upload = await give(await archiveOf([base, await layerOf('secret')]))
    const { id } = await market.submit(job('cat /app/text', upload))
    const mine = await market.ended(id)
    assert.equal(await said(market.node, mine), 'secret')
    const stranger: OwnNode = await openNode(market, 'stranger')
    market.defer(stranger.stop)
    const { node } = stranger
    senders.push(node.network.peerId)
    await until(() => node.directory.list().length > 0)
    const tries: [string, Pick<JobRecord, 'image' | 'sentImage'>][] = [
      ['as a peer that keeps to no rules', { image: mine.image, sentImage: mine.sentImage } as never],
      ['as one that has pushed nothing', {}],
    ]
    for (const [how, known] of tries) {
      const spec = jobSubmissionSchema.parse(job('cat /app/text', upload))
      const { job: theirs } = await node.requester.submit({ owner: 'test', spec, hold: true })
      await node.store.change(theirs.id, (draft) => draft.patch(known))
      await node.requester.release(theirs.id)
      await until(async () => isTerminal((await node.store.get(theirs.id))?.state.status ?? 'pending'))
      const state = (await node.store.get(theirs.id))?.state
      assert.ok(state?.status === 'failed', how)
      assert.deepEqual([state.failure.code, state.failure.details['reason']], ['DATA_ERROR', 'upload-gone'], how)
    }
    // Who has the same bytes sends them, and runs them as their own.
    const own = await give(await archiveOf([base, await layerOf('secret')]), node)
    const { job: theirs } = await node.requester.submit({
      owner: 'test',
      spec: jobSubmissionSchema.parse(job('cat /app/text', own)),
    })
    await until(async () => isTerminal((await node.store.get(theirs.id))?.state.status ?? 'pending'))
    assert.equal(await said(node, (await node.store.get(theirs.id)) as JobRecord), 'secret')
    const kept = await readdir(join(market.folder, 'seller-1/inputs/parts'))
    assert.equal(new Set(kept).size, kept.length)
  })

  it('that are not what they say fail their own job alone', async () => {
    const layer = await layerOf('x')
    const lying = await dockerArchive(NAME, [base, layer], configOf([base, base], { config: run }))
    assert.deepEqual(await fails(await give(lying)), ['IMAGE_PULL_ERROR', 'invalid-image'])
    const junk = Buffer.alloc(4_096, 'x')
    const broken = await dockerArchive(NAME, [base, junk], configOf([base, junk], { config: run }))
    assert.deepEqual(await fails(await give(broken)), ['IMAGE_PULL_ERROR', 'invalid-image'])
    const elsewhere = await dockerArchive(NAME, [base], configOf([base], { config: run, architecture: 's390x' }))
    assert.deepEqual(await fails(await give(elsewhere), { queueTimeout: 2 }), ['NO_PROVIDER', 'no-platform'])
    assert.equal(await prints(await give(await archiveOf([base, await layerOf('well')]))), 'well')
  })

  it('go on where they were when their provider is started again', async () => {
    const random = randomBytes(32 * 2 ** 20)
    const layers = [base, await tarOfFiles({ 'app/random': random })]
    const upload = await give(await dockerArchive(NAME, layers, configOf(layers, { config: run })))
    const { id } = await market.submit(job('sha256sum /app/random', upload))
    const came = async (): Promise<boolean> => {
      const events = await market.node.store.events(id, 0, 1_000)
      const isOver = isTerminal((await market.node.store.get(id))?.state.status ?? 'pending')
      return isOver || events.some(({ type, data }) => type === 'transferring' && Number(data.bytesDone) > 0)
    }
    await until(came)
    await market.sellers[0]?.restart()
    const ended = await market.ended(id)
    assert.match(await said(market.node, ended), new RegExp(hexOf(random)))
    assert.equal(ended.attempt, 1)
  })

  it('have no room at a provider that keeps nothing, which is said before anything is sent', async () => {
    const upload = await give(await archiveOf([base, await layerOf('large')]))
    await market.addSeller({ name: 'narrow', agent: { cacheRoomBytes: 1_000, labels: { disk: 'narrow' } } })
    const reasons = await fails(upload, { constraints: { labels: { disk: 'narrow' } }, maxAttempts: 1 })
    assert.deepEqual(reasons, ['DATA_ERROR', 'no-space'])
    assert.deepEqual(await readdir(join(market.folder, 'seller-2/inputs/parts')), [])
  })

  it('leave no containers and no networks', async () => {
    await until(async () => (await market.left()).length === 0)
  })
})
