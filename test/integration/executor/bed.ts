import assert from 'node:assert/strict'
import type { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { createDockerEngine, type DockerEngineInit } from '../../../provider-agent/engine/docker.ts'
import type { ContainerEngine, ContainerSpec, LogLine, LogsOptions } from '../../../provider-agent/engine/index.ts'
import { ensureEngine } from '../../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../../scripts/image.ts'

/** What the suite runs on. */
export interface SuiteEngine {
  docker: Docker
  /** Name of an image that has busybox and is present. */
  image: string
  /** An engine on `docker`. */
  makeEngine(init?: DockerEngineInit): ContainerEngine
  /** What this engine does not do, and why. */
  lacks?: Partial<Record<Lack, string>>
}

export type Lack = 'proofs' | 'seccomp-namespaces' | 'whole-logs'

export const MiB = 1024 * 1024

/** A script's end: prints `ready`, and then runs until it is ended. */
export const loop = 'echo ready; while :; do sleep 0.05; done'

/** An engine, and short words for what tests do with it. */
export interface TestBed extends SuiteEngine {
  engine: ContainerEngine
  /** Marks all that is made here. */
  owner: string
  /** A small container without network that runs a script. */
  specOf(script: string, extra?: Partial<ContainerSpec>): ContainerSpec
  /** Creates and starts one. Answers its name. */
  run(script: string, extra?: Partial<ContainerSpec>, on?: ContainerEngine): Promise<string>
  readAll(container: string, fromLine?: number, options?: LogsOptions): Promise<LogLine[]>
  /** Runs a script to its end. Answers its output, after checking that a replay gives the same. */
  outputOf(script: string, extra?: Partial<ContainerSpec>): Promise<LogLine[]>
  /** Resolves when a script that ends in {@link loop} has got there. */
  untilReady(container: string): Promise<void>
  /** Removes everything that was made and is still there. */
  clear(): Promise<void>
}

/** A test bed on the engine of the tests; both go with the stack. */
export async function openTestBed(stack: AsyncDisposableStack): Promise<TestBed> {
  const handle = await ensureEngine()
  stack.defer(async () => await handle.stop())
  const docker = new Docker({ socketPath: handle.socketPath })
  const image = await ensureBusyboxImage(docker)
  const bed = createTestBed({ docker, image, makeEngine: (init) => createDockerEngine({ docker }, init) })
  stack.defer(async () => await bed.clear())
  return bed
}

export function createTestBed(suite: SuiteEngine): TestBed {
  const engine = suite.makeEngine()
  const owner = `test-${process.pid}-${Date.now()}`
  let made = 0
  const bed: TestBed = {
    ...suite,
    engine,
    owner,
    specOf: (script, extra = {}) => ({
      name: `cortex-${owner}-${++made}`,
      image: suite.image,
      command: [],
      args: ['sh', '-c', script],
      env: {},
      cpuMillis: 1_000,
      memoryBytes: 64 * MiB,
      storageBytes: 64 * MiB,
      gpu: 0,
      labels: {},
      owner,
      network: 'none',
      ...extra,
    }),
    async run(script, extra = {}, on = engine) {
      const spec = bed.specOf(script, extra)
      await on.create(spec)
      await on.start(spec.name)
      return spec.name
    },
    readAll: async (container, fromLine = 1, options = {}) =>
      (await collect(engine.logs(container, fromLine, options))).flat(),
    async outputOf(script, extra = {}) {
      const container = await bed.run(script, extra)
      const live = await bed.readAll(container)
      assert.deepEqual(await bed.readAll(container), live, 'replayed')
      await engine.remove(container)
      return live
    },
    async untilReady(container) {
      for await (const lines of engine.logs(container, 1)) if (lines.some(({ line }) => line === 'ready')) return
    },
    async clear() {
      for (const left of await engine.list(owner)) await engine.remove(left.name)
    },
  }
  return bed
}

/** Everything that comes out of `items`. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
