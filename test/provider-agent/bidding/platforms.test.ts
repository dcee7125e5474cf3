import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { readAnnouncement } from '../../../protocol/market-messages.ts'
import type { PullRequest } from '../../../provider-agent/engine/index.ts'
import { createAgentRig, type RigInit } from '../../support/agent-rig.ts'
import { MARKET } from '../../support/test-requester.ts'

async function rigOf(init: RigInit = {}) {
  const said: Uint8Array[] = []
  const announce = async (statement: Uint8Array) => void said.push(statement)
  const rig = await createAgentRig({ ...init, components: { announce } })
  const pulled: PullRequest[] = []
  rig.engine.onPull = (request) => void pulled.push(request)
  const answer = async (job: Partial<JobSubmission>) => await (await rig.requester.ask(job)).answer()
  const announced = async () => await readAnnouncement(said.at(-1) ?? new Uint8Array(), MARKET)
  return { rig, answer, pulled, announced }
}

test('an agent announces what its engine runs, and bids for that alone', async () => {
  const { rig, answer, announced } = await rigOf()
  const { platforms, emulatedPlatforms, capabilities } = await announced()
  assert.deepEqual([platforms, emulatedPlatforms], [['linux/amd64', 'linux/386'], []])
  assert.ok(capabilities.includes('platforms'))
  const any = (await answer({})).bid
  assert.deepEqual([any?.platform, any?.emulated], ['linux/amd64', false])
  const named = (await answer({ platform: 'linux/x86_64' })).bid
  assert.deepEqual([named?.platform, named?.emulated], ['linux/amd64', false])
  const other = (await answer({ platform: 'linux/arm64' })).decline
  assert.equal(other?.code, 'PLATFORM_MISMATCH')
  assert.equal(other?.message, 'runs linux/amd64, linux/386, the image is for linux/arm64')
  await rig.stop()
})

test('one that is told its platforms runs images as those', async () => {
  const { rig, answer, pulled, announced } = await rigOf({ platforms: ['linux/aarch64'] })
  assert.deepEqual((await announced()).platforms, ['linux/arm64'])
  assert.equal((await answer({ platform: 'linux/amd64' })).decline?.code, 'PLATFORM_MISMATCH')
  await rig.run({})
  await rig.run({ platform: 'linux/arm64' })
  assert.deepEqual(
    pulled.map(({ platforms, digest }) => [platforms, digest]),
    [
      [['linux/arm64'], undefined],
      [['linux/arm64'], undefined],
    ],
  )
  await rig.stop()
})

test('emulation is its owner’s to offer; the bid says so, and the image is pulled as that', async () => {
  const { rig, answer, pulled, announced } = await rigOf({ emulate: ['linux/arm64'] })
  assert.deepEqual((await announced()).emulatedPlatforms, ['linux/arm64'])
  const bid = (await answer({ platform: 'linux/arm64' })).bid
  assert.deepEqual([bid?.platform, bid?.emulated], ['linux/arm64', true])
  assert.equal((await answer({ platform: 'linux/s390x' })).decline?.code, 'PLATFORM_MISMATCH')
  await rig.run({ platform: 'linux/arm64' })
  assert.deepEqual(pulled.at(-1)?.platforms, ['linux/arm64'])
  await rig.stop()
})

test('what the engine runs by itself is not emulated, whatever its owner says', async () => {
  const { rig, answer, announced } = await rigOf({ emulate: ['linux/386', 'linux/arm64'] })
  assert.deepEqual((await announced()).emulatedPlatforms, ['linux/arm64'])
  const bid = (await answer({ platform: 'linux/386' })).bid
  assert.deepEqual([bid?.platform, bid?.emulated], ['linux/386', false])
  await rig.stop()
})
