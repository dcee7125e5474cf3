/** The NVIDIA GPUs of this machine, whole cards and MIG devices, as the driver's own tool tells of them. */

import { saidOf, silentTool } from './found.ts'
import type { FoundGpus, Gpu, UnsoldCard } from './gpu.ts'
import { type NvidiaCard, parseNvidiaXml } from './nvidia-xml.ts'
import type { RunTool, ToolAnswer } from './tool.ts'

/** What {@link findNvidia} looks with. */
export interface NvidiaComponents {
  run: RunTool
  /** Bus addresses of the cards that the driver holds; a card that fell off the bus stays among them. */
  busIds: () => Promise<string[]>
}

/** Null where the tool is not installed. */
export async function findNvidia({ run, busIds }: NvidiaComponents): Promise<FoundGpus | null> {
  const answer = await run('nvidia-smi', ['-x', '-q'])
  if (answer.status === 'missing') return null
  const all = answer.status === 'ok' ? await parseNvidiaXml(answer.text) : null
  // One card that does not answer makes the tool fail for all of them: then each is asked alone.
  const { cards, unsold } = all ?? (await oneByOne(run, await busIds()))
  if (all === null && cards.length === 0) return { gpus: [], unsold: [silentTool('nvidia-smi', answer, REMEDY)] }
  if (cards.length === 0) return { gpus: [], unsold }
  const more = async (args: string[]): Promise<string> => textOf(await run('nvidia-smi', args))
  const [list, computes, links] = await Promise.all([
    cards.some(({ parts }) => parts !== null) ? more(['-L']) : '',
    more(['--query-gpu=uuid,compute_cap', '--format=csv,noheader']),
    more(['nvlink', '--status']),
  ])
  const known = { computes: parseCompute(computes), linked: parseLinks(links), parts: parseMigList(list) }
  return { gpus: cards.flatMap((card) => sold(card, known)), unsold }
}

const REMEDY = 'load NVIDIA’s driver or install it again, or remove the tool if no such card is to be sold'

async function oneByOne(run: RunTool, busIds: string[]): Promise<{ cards: NvidiaCard[]; unsold: UnsoldCard[] }> {
  const answers = await Promise.all(busIds.map(async (id) => await run('nvidia-smi', ['-x', '-q', '-i', id])))
  const parsed = await Promise.all(answers.map(async (answer) => await parseNvidiaXml(textOf(answer))))
  const firsts = parsed.map((one) => one?.cards[0])
  return {
    cards: firsts.flatMap((card, index) => (card === undefined ? [] : { ...card, index })),
    unsold: answers.flatMap((answer, place) => {
      if (firsts[place] !== undefined) return []
      return [{ name: `NVIDIA GPU (${busIds[place]})`, reason: `is not told of (${saidOf(answer)}): ${LOST_REMEDY}` }]
    }),
  }
}

const LOST_REMEDY = 'restart the machine, or reset the card'

interface Known {
  computes: Map<string, string>
  linked: Set<string>
  parts: MigPart[]
}

/** What of a card can be given to a container: itself, or its parts. */
function sold({ parts, ...card }: NvidiaCard, { computes, linked, parts: listed }: Known): Gpu[] {
  const whole = {
    ...card,
    compute: computes.get(card.uuid) ?? '',
    interconnect: linked.has(card.uuid) ? 'nvlink' : 'pcie',
  }
  if (parts === null) return [whole]
  return parts.flatMap(({ place, memoryBytes }) => {
    const named = listed.find((part) => part.card === card.uuid && part.place === place)
    if (named === undefined || memoryBytes === 0) return []
    const { uuid, profile: migProfile } = named
    // Parts do not reach each other, whatever joins their cards.
    return [{ ...whole, uuid, memoryBytes, migProfile, interconnect: 'pcie', part: { card: card.uuid, place } }]
  })
}

/** A MIG device, as `nvidia-smi -L` lists it. */
export interface MigPart {
  /** Uuid of its card. */
  card: string
  /** Its number there, from 0. */
  place: number
  uuid: string
  /** How much of the card it is, e.g. `"1g.10gb"`. */
  profile: string
}

/** The MIG devices of `nvidia-smi -L`. */
export function parseMigList(text: string): MigPart[] {
  let card = ''
  return text.split('\n').flatMap((line) => {
    const [, uuid] = /^GPU \d{1,3}: .* \(UUID: (GPU-[0-9a-f-]{8,64})\)/.exec(line) ?? []
    if (uuid !== undefined) card = uuid
    const [, profile, place, part] =
      /^\s+MIG (\S{1,32})\s+Device\s+(\d{1,3}): \(UUID: (MIG-[\w/-]{8,96})\)/.exec(line) ?? []
    if (card === '' || profile === undefined || part === undefined) return []
    return [{ card, place: Number(place), uuid: part, profile }]
  })
}

/** Compute capability by uuid; drivers before 510 do not know the question. */
function parseCompute(text: string): Map<string, string> {
  const found = text.split('\n').flatMap((line) => {
    const [, uuid, compute] = /^(GPU-[0-9a-f-]{8,64}), *(\d{1,2}\.\d)\s*$/.exec(line) ?? []
    return uuid === undefined || compute === undefined ? [] : [[uuid, compute] as const]
  })
  return new Map(found)
}

/** The uuids of cards with a link that works, of `nvidia-smi nvlink --status`. */
function parseLinks(text: string): Set<string> {
  const linked = new Set<string>()
  let card = ''
  for (const line of text.split('\n')) {
    const [, uuid] = /^GPU \d{1,3}: .*\(UUID: (GPU-[0-9a-f-]{8,64})\)/.exec(line) ?? []
    if (uuid !== undefined) card = uuid
    if (/^\s+Link \d{1,2}: [\d.]+ GB\/s/.test(line)) linked.add(card)
  }
  return linked
}

function textOf(answer: ToolAnswer): string {
  return answer.status === 'ok' ? answer.text : ''
}
