/** A conversation with a registry that takes its time. */

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createRegistryAccess } from '../../../node/registry/access.ts'
import { readManifest } from '../../../node/registry/manifest.ts'
import { openRegistrySession } from '../../../node/registry/session.ts'
import { type Asked, type HostileRegistry, refuse, startHostileRegistry } from '../../support/hostile-registry.ts'

describe('entry 7: a registry that sends an answer byte by byte', () => {
  let registry: HostileRegistry
  before(async () => {
    registry = await startHostileRegistry()
  })
  after(async () => await registry?.close())

  for (const slow of ['manifest', 'config', 'token'] as const) {
    it(`is told to be too slow with a ${slow}`, async () => {
      const limit = new AbortController()
      async function dribble(response: ServerResponse): Promise<void> {
        for (let bytes = 0; !response.destroyed; bytes += 1) {
          response.write(' ')
          if (bytes === 5) limit.abort(new Error('time is up'))
          await delay(10)
        }
      }
      registry.offer(slow, {
        answer(request, response, { kind }: Asked) {
          if (slow === 'token') {
            response.setHeader('www-authenticate', `Bearer realm="http://${registry.host}/v2/token/manifests/token"`)
            if (request.url?.includes('manifests/token') !== true) refuse(response, 401, 'UNAUTHORIZED')
            else void dribble(response)
            return true
          }
          if (kind !== slow || request.method === 'HEAD') return false
          void dribble(response)
          return true
        },
      })
      const access = createRegistryAccess({ allow: [`http://${registry.host}`] })
      const session = openRegistrySession(access, { host: registry.host, path: slow }, undefined, limit.signal)
      const reading = async () => {
        const image = readManifest((await session.manifest('1')).bytes, [])
        assert.ok(image.kind === 'image')
        await session.blob(image.config.digest, 2 ** 20)
      }
      await assert.rejects(reading(), { name: 'RegistryFailure', reason: 'registry-too-slow' })
    })
  }
})
