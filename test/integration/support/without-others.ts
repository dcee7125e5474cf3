import type { ContainerEngine } from '../../../provider-agent/engine/index.ts'

/** An engine on which containers of other tests, and of whoever else uses it, take nothing of what an agent sells. */
export function withoutOthers(engine: ContainerEngine): ContainerEngine {
  return {
    ...engine,
    survey: async (...args) => ({
      ...(await engine.survey(...args)),
      others: { cpuMillis: 0, memoryBytes: 0, gpus: [] },
    }),
  }
}
