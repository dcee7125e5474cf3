/**
 * Stands before the container engine of a process under test. Points: `pull` · `create`, `created` · `start`, `started` ·
 * `ended` (the container has, and nobody knows) · `remove`, `removed`.
 */

import * as real from '../../../provider-agent/engine/docker.ts'
import type { ContainerEngine } from '../../../provider-agent/engine/index.ts'
import { pass } from './fault-points.ts'

export function createDockerEngine(...args: Parameters<typeof real.createDockerEngine>): ContainerEngine {
  const engine = real.createDockerEngine(...args)
  return {
    ...engine,
    async pull(request, options) {
      await pass('pull')
      return await engine.pull(request, options)
    },
    async create(spec, options) {
      await pass('create')
      await engine.create(spec, options)
      await pass('created')
    },
    async start(name, options) {
      await pass('start')
      const started = await engine.start(name, options)
      await pass('started')
      return started
    },
    async wait(name, options) {
      const exit = await engine.wait(name, options)
      await pass('ended')
      return exit
    },
    async remove(name, options) {
      await pass('remove')
      await engine.remove(name, options)
      await pass('removed')
    },
  }
}
