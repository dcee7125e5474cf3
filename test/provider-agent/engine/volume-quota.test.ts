import assert from 'node:assert/strict'
import { it } from 'node:test'
import type Docker from 'dockerode'
import { holdVolume } from '../../../provider-agent/engine/volume-quota.ts'

it('a volume that this user cannot see is not held, which says nothing of the engine', async () => {
  for (const Mountpoint of ['/no/such/folder', '/dev/null/volume']) {
    const docker = { getVolume: () => ({ inspect: async () => ({ Mountpoint }) }) } as unknown as Docker
    const holding = holdVolume(docker, 'btrfs', { name: 'data', sizeBytes: 1 }, {})
    await assert.rejects(holding, { code: 'ENGINE_ERROR', message: /^holding volume data to its size: / })
  }
})
