/** What the GPUs of a job do, as far as their maker's tool tells. */

import type { Clock } from '../../node/clock.ts'
import { MIB } from './gpu.ts'
import { type RunTool, runTool } from './tool.ts'

/** What some GPUs do at one moment. */
export interface GpuUse {
  /** Thousandths of one GPU at full use, all together. */
  millis: number
  /** Of their own memory, all together. */
  memoryBytes: number
}

/** Use of these GPUs, by uuid; null where nothing tells of each: another maker's, or parts of a card. */
export type ReadGpuUse = (uuids: readonly string[]) => Promise<GpuUse | null>

const QUERY = ['--query-gpu=uuid,utilization.gpu,memory.used', '--format=csv,noheader,nounits']
/** One look serves all jobs that ask within this many ms. */
const FRESH_MS = 1_000

/**
 * Asks `nvidia-smi`, once a second at most, whoever asks here.
 * @param components.run runs it; never rejects. @default {@link runTool}
 */
export function createGpuUse({
  clock,
  run = async (name, args) => await runTool(name, args),
}: {
  clock: Clock
  run?: RunTool
}): ReadGpuUse {
  let last: { atMs: number; uses: Promise<Map<string, GpuUse>> } | null = null

  function look(): Promise<Map<string, GpuUse>> {
    const nowMs = clock.monotonicMs()
    if (last === null || nowMs - last.atMs >= FRESH_MS) {
      const uses = run('nvidia-smi', QUERY).then((answer) => parseUse(answer.status === 'ok' ? answer.text : ''))
      last = { atMs: nowMs, uses }
    }
    return last.uses
  }

  return async (uuids) => {
    if (!uuids.some((uuid) => uuid.startsWith('GPU-'))) return null
    const uses = await look()
    const own = uuids.map((uuid) => uses.get(uuid))
    return own.reduce<GpuUse | null>(
      (all, use) =>
        all === null || use === undefined
          ? null
          : { millis: all.millis + use.millis, memoryBytes: all.memoryBytes + use.memoryBytes },
      { millis: 0, memoryBytes: 0 },
    )
  }
}

/** A line that is not whole (`[N/A]`) is a GPU that does not tell. */
function parseUse(csv: string): Map<string, GpuUse> {
  const found = csv.split('\n').flatMap((line) => {
    const [, uuid, percent, mebibytes] = /^(GPU-[0-9a-f-]{8,64}), *(\d{1,3}), *(\d{1,9})\s*$/.exec(line) ?? []
    if (uuid === undefined) return []
    return [[uuid, { millis: Number(percent) * 10, memoryBytes: Number(mebibytes) * MIB }] as const]
  })
  return new Map(found)
}
