/** What of the makers' tools' answers may go on: every card passes here, whoever's it is, before anything is made of it. */

import { MAX_GPUS } from '../../protocol/limits.ts'
import { toLine } from '../../protocol/text.ts'
import { type FoundGpus, type Gpu, LOST, type UnsoldCard } from './gpu.ts'
import { firstLine, type ToolAnswer } from './tool.ts'

const MAX_NAME = 128
const MAX_WORD = 64
const MAX_REASON = 300
/** More than any card has, in bytes: 1 PiB. */
const MAX_MEMORY_BYTES = 2 ** 50
/** Cards that are told as not sold; of a tool that lists more, the rest is nothing that anybody reads. */
const MAX_UNSOLD = 64

/**
 * With texts that are one line of bounded length, amounts that can be, each uuid once, and no more cards than a provider
 * announces: what is too many or the same again is not sold, with its reason.
 */
export function soundOnly({ gpus, unsold }: FoundGpus): FoundGpus {
  const sold = new Map<string, Gpu>()
  const rest: UnsoldCard[] = []
  for (const gpu of gpus.map(sound)) {
    const name = `${gpu.model} (${gpu.uuid})`
    if (sold.has(gpu.uuid)) rest.push({ name, reason: SAME })
    else if (sold.size >= MAX_GPUS) rest.push({ name, reason: `is one more than the ${MAX_GPUS} that are sold` })
    else sold.set(gpu.uuid, gpu)
  }
  const all = [...unsold, ...rest].slice(0, MAX_UNSOLD)
  return {
    gpus: [...sold.values()],
    unsold: all.map(({ name, reason }) => ({ name: plain(name, MAX_NAME), reason: plain(reason, MAX_REASON) })),
  }
}

const SAME =
  'has the uuid of another card, and no container could be given this one: update its driver, or have it repaired'

function sound(gpu: Gpu): Gpu {
  const memoryBytes = Math.round(gpu.memoryBytes)
  const isAmount = memoryBytes >= 0 && memoryBytes <= MAX_MEMORY_BYTES
  const model = plain(gpu.model, MAX_NAME)
  const problem = gpu.problem ?? (isAmount ? null : LOST)
  return {
    ...gpu,
    model: model === '' ? 'GPU' : model,
    memoryBytes: isAmount ? memoryBytes : 0,
    driver: plain(gpu.driver, MAX_WORD),
    runtime: plain(gpu.runtime, MAX_WORD),
    compute: plain(gpu.compute, MAX_WORD),
    migProfile: plain(gpu.migProfile, MAX_WORD),
    problem: problem === null ? null : plain(problem, MAX_REASON),
  }
}

/** One line, with one space where there were several. */
function plain(text: string, maxLength: number): string {
  return toLine(
    toLine(text, 4 * maxLength)
      .replaceAll(/\s+/g, ' ')
      .trim(),
    maxLength,
  )
}

/** The row of a tool that is there, and of whose cards nothing is known. @param remedy what to do about it */
export function silentTool(tool: string, answer: ToolAnswer, remedy: string): UnsoldCard {
  return { name: tool, reason: `is there and tells of no card (${saidOf(answer)}): ${remedy}` }
}

/** What a tool answered that was of no use, in a few words. */
export function saidOf(answer: ToolAnswer): string {
  if (answer.status === 'missing') return 'it is not installed'
  if (answer.status === 'failed') return answer.said
  const line = firstLine(answer.text)
  return line === '' ? 'it prints nothing' : `it prints “${line}”`
}

/** The address on the bus, as the system writes it; null where the text is none. */
export function busIdOf(text: string): string | null {
  return /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(text) ? text.toLowerCase() : null
}
