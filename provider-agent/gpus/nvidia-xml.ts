/**
 * What `nvidia-smi -x -q` prints, of drivers from 390 on. It grew over the years: whatever is not there is not known, and
 * what must be there and is not (`Unknown Error`, `GPU requires reset`, `N/A`) belongs to a card that is not to be sold.
 */

import type { XmlNode } from 'xml2js'
import { bareGpu, eccProblem, type Gpu, heatProblem, LOST, MIB, NO_MEMORY, type UnsoldCard } from './gpu.ts'

/** A card, and the parts that it is divided into. */
export interface NvidiaCard extends Gpu {
  /** Null where the card is whole; a part's uuid is another tool's to say. */
  parts: { place: number; memoryBytes: number }[] | null
}

/** Null where the text is no such XML. */
export async function parseNvidiaXml(text: string): Promise<{ cards: NvidiaCard[]; unsold: UnsoldCard[] } | null> {
  const { parseStringPromise } = await import('xml2js')
  const root = (await parseStringPromise(withLegalReferences(text)).catch(() => null))?.nvidia_smi_log
  if (root === undefined) return null
  const unsold: UnsoldCard[] = []
  const driver = version(textAt(root, 'driver_version'))
  const runtime = version(textAt(root, 'cuda_version'))
  const cards = childrenOf(root, 'gpu').flatMap((card, index) => {
    const uuid = textAt(card, 'uuid')
    const model = textAt(card, 'product_name')
    if (!/^GPU-[0-9a-f-]{8,64}$/.test(uuid)) {
      unsold.push({ name: isValue(model) ? model : 'NVIDIA GPU', reason: NO_UUID })
      return []
    }
    const memoryBytes = mebibytes(textAt(card, 'fb_memory_usage', 'total'))
    const isWhole = textAt(card, 'mig_mode', 'current_mig') !== 'Enabled'
    const isKnown = isValue(model) && memoryBytes > 0
    const known = { vendor: 'nvidia', index, uuid, model: isKnown ? model : 'NVIDIA GPU', memoryBytes } as const
    return {
      ...bareGpu(known),
      ...{ driver, runtime },
      parts: isWhole ? null : partsOf(card),
      problem: isKnown ? problemOf(card) : noMemory(card, model),
    }
  })
  return { cards, unsold }
}

const NO_UUID = 'has no uuid by which a container could be given it: update its driver'

/** A reference to what XML has not, or a bare `&`, stands for a character that nobody knows: no card is lost for it. */
function withLegalReferences(text: string): string {
  return text.replaceAll(/&(?:#(x[0-9a-f]{1,8}|\d{1,9});|(?:amp|lt|gt|quot|apos);)?/gi, (whole, number?: string) => {
    if (whole === '&') return '&amp;'
    if (number === undefined) return whole.toLowerCase()
    const code = Number.parseInt(number.replace(/^x/i, ''), /^x/i.test(number) ? 16 : 10)
    const isLegal = code >= 0x20 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    return isLegal ? whole : '\ufffd'
  })
}

function partsOf(card: XmlNode): NvidiaCard['parts'] {
  return childrenOf(childrenOf(card, 'mig_devices')[0] ?? '', 'mig_device').map((part) => ({
    place: Number(textAt(part, 'index')),
    memoryBytes: mebibytes(textAt(part, 'fb_memory_usage', 'total')),
  }))
}

/** A card that works and has no memory of its own shares the machine's, which jobs are given by themselves. */
function noMemory(card: XmlNode, model: string): string {
  const isShared = isValue(model) && isReading(textAt(card, 'temperature', 'gpu_temp'))
  return isShared ? NO_MEMORY : LOST
}

/** Whether a card that is there is fit for work. */
function problemOf(card: XmlNode): string | null {
  const recovery = textAt(card, 'gpu_recovery_action')
  const isFit = recovery === '' || ['None', 'N/A'].includes(recovery)
  if (!isFit) return `asks to be recovered (${recovery}): do so, or restart the machine`
  if (textAt(card, 'gpu_reset_status', 'reset_required') === 'Yes' || says(card, /requires reset/i)) {
    return 'must be reset: nvidia-smi --gpu-reset, or restart the machine'
  }
  if (says(card, /unknown error|gpu is lost/i)) return LOST
  const errors = uncorrectable(card)
  if (errors > 0) return eccProblem(errors)
  const rows = ['remapped_row_failure', 'remapped_row_pending'].some(
    (name) => textAt(card, 'remapped_rows', name) === 'Yes',
  )
  const pages = ['pending_blacklist', 'pending_retirement'].some(
    (name) => textAt(card, 'retired_pages', name) === 'Yes',
  )
  if (rows || pages) return 'has memory that is to be taken out of use: reset it, or have it replaced'
  return isHot(card) ? heatProblem(textAt(card, 'temperature', 'gpu_temp')) : null
}

/** Words of the readings that tell of a failure; names and modes are no readings. */
function says(card: XmlNode, words: RegExp): boolean {
  const readings = [
    textAt(card, 'temperature', 'gpu_temp'),
    textAt(card, 'fb_memory_usage', 'used'),
    textAt(card, 'utilization', 'gpu_util'),
    textAt(card, 'ecc_mode', 'current_ecc'),
  ]
  return readings.some((reading) => words.test(reading))
}

/** Since the driver was loaded, of any kind of memory; older drivers say a total, newer ones each kind. */
function uncorrectable(card: XmlNode): number {
  const errors = childrenOf(childrenOf(card, 'ecc_errors')[0] ?? '', 'volatile')[0] ?? ''
  const total = textAt(errors, 'double_bit', 'total')
  if (total !== '') return count(total)
  const kinds = ['sram_uncorrectable', 'sram_uncorrectable_parity', 'sram_uncorrectable_secded', 'dram_uncorrectable']
  return kinds.reduce((sum, kind) => sum + count(textAt(errors, kind)), 0)
}

/** Where the card itself slows down to cool, by its own limit: an absolute one, or since Hopper what is left to it. */
function isHot(card: XmlNode): boolean {
  const slows = ['clocks_throttle_reason', 'clocks_event_reason'].some(
    (reason) => textAt(card, `${reason}s`, `${reason}_hw_thermal_slowdown`) === 'Active',
  )
  const [at, limit] = [textAt(card, 'temperature', 'gpu_temp'), textAt(card, 'temperature', 'gpu_temp_slow_threshold')]
  const [left, least] = [
    textAt(card, 'temperature', 'gpu_temp_tlimit'),
    textAt(card, 'temperature', 'gpu_temp_slow_tlimit_threshold'),
  ]
  const isOver = isReading(at) && isReading(limit) && Number.parseInt(at, 10) >= Number.parseInt(limit, 10)
  const isSpent = isReading(left) && isReading(least) && Number.parseInt(left, 10) <= Number.parseInt(least, 10)
  return slows || isOver || isSpent
}

function isReading(text: string): boolean {
  return /^-?\d{1,4} C$/.test(text)
}

function count(text: string): number {
  return /^\d{1,12}$/.test(text) ? Number(text) : 0
}

function mebibytes(text: string): number {
  const [, amount] = /^(\d{1,9}) MiB$/.exec(text) ?? []
  return amount === undefined ? 0 : Number(amount) * MIB
}

function version(text: string): string {
  return /^\d{1,4}(\.\d{1,4}){1,3}$/.test(text) ? text : ''
}

/** Whether the driver knows it: it writes `N/A`, `[N/A]`, `Unknown Error` and the like where it does not. */
function isValue(text: string): boolean {
  return text !== '' && !/^\[|^N\/A$|^Unknown Error$|requires reset/i.test(text)
}

function childrenOf(node: XmlNode, name: string): XmlNode[] {
  return typeof node === 'string' ? [] : (node[name] ?? [])
}

/** Text of the first such element; empty where there is none. */
function textAt(node: XmlNode, ...path: string[]): string {
  const [name, ...rest] = path
  if (name === undefined) return typeof node === 'string' ? node.trim() : ''
  const [child] = childrenOf(node, name)
  return child === undefined ? '' : textAt(child, ...rest)
}
