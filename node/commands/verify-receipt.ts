import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Receipt } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { VolumeReceipt } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { formatUsd } from '../../protocol/money.ts'
import { formatBytes } from '../../protocol/units.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { openReceipt, openVolumeReceipt, receiptView, volumeReceiptView } from '../views/receipt-view.ts'
import { isoTime } from '../views/time.ts'
import { CliError } from './cli-error.ts'
import { fieldTable } from './output.ts'
import { print, printJson } from './print.ts'

interface Expected {
  provider?: string
  requester?: string
  json?: true
}

/** Both sides, in the order in which they sign. */
const SIDES = ['provider', 'requester'] as const

/** Tells what the receipts of a file say. @throws {CliError} where one is not what both sides signed */
export async function verifyReceipt(path: string, expected: Expected): Promise<void> {
  const { receipts, isList } = await readReceipts(path)
  const checked: (Receipt | VolumeReceipt)[] = []
  for (const file of receipts) checked.push(await checkFile(path, file, expected))
  const shown = checked.map((receipt) => ({ valid: true, ...viewOf(receipt) }))
  if (expected.json === true) printJson(isList ? shown : shown[0])
  else print(...checked.flatMap((receipt, i) => [...(i === 0 ? [] : ['']), ...describe(receipt)]))
}

function viewOf(receipt: Receipt | VolumeReceipt) {
  return isOfVolume(receipt) ? volumeReceiptView(receipt) : receiptView(receipt)
}

function isOfVolume(receipt: Receipt | VolumeReceipt): receipt is VolumeReceipt {
  return 'volumeId' in receipt
}

async function checkFile(
  path: string,
  file: Record<string, unknown>,
  expected: Expected,
): Promise<Receipt | VolumeReceipt> {
  const signed = file.signed as Partial<Record<(typeof SIDES)[number], unknown>> | undefined
  const opened = []
  for (const side of SIDES) opened.push(await open(side, signed?.[side], 'volumeId' in file))
  const [first, second] = opened
  if (first === undefined || second === undefined) throw new CliError(`${path} is no receipt`)
  if (!Buffer.from(first.payload).equals(second.payload)) {
    throw refused('the two sides signed different statements')
  }
  const shown = viewOf(first.receipt)
  for (const side of SIDES) {
    if (expected[side] !== undefined && expected[side] !== shown[side]) {
      throw refused(`its ${side} is ${shown[side]}, not ${expected[side]}`)
    }
  }
  for (const [name, value] of Object.entries(shown)) {
    if (name in file && file[name] !== value) {
      throw refused(`${name} says ${String(file[name])}, and what was signed is ${value}`)
    }
  }
  return first.receipt
}

async function open(side: (typeof SIDES)[number], base64: unknown, isVolumes: boolean) {
  if (typeof base64 !== 'string') {
    throw new CliError(
      `It has no signature of the ${side}: a receipt is what 'cortex job receipt ID -o FILE' keeps, or 'cortex volume receipt'`,
    )
  }
  try {
    const { receipt, signer, payload } = await (isVolumes ? openVolumeReceipt(base64) : openReceipt(base64))
    if (signer !== receipt[side]) throw refused(`it is signed by ${signer} where the ${side} is ${receipt[side]}`)
    return { receipt, payload }
  } catch (error) {
    if (error instanceof WireError) throw refused(`the ${side}’s part: ${error.message}`, error)
    throw error
  }
}

function describe(receipt: Receipt | VolumeReceipt): string[] {
  return fieldTable([
    ['valid', 'both signatures, both peer ids and the arithmetic'],
    ...(isOfVolume(receipt) ? volumeRows(receipt) : jobRows(receipt)),
  ])
}

type Rows = [name: string, value: string][]

function volumeRows(receipt: VolumeReceipt): Rows {
  const { volumeId, number, network, provider, requester, sizeBytes, seconds } = receipt
  const price = formatUsd(receipt.pricePerGbHour)
  const size = formatBytes(Number(sizeBytes))
  return [
    ['volume', `${volumeId}, receipt ${number}`],
    ['network', network],
    ['provider', provider],
    ['requester', requester],
    ['cost', `${size} for ${seconds} s at $${price} per GB-hour is $${formatUsd(receipt.costNanoUsd)}`],
    ['signed', isoTime(Number(receipt.signedAtMs))],
  ]
}

function jobRows(receipt: Receipt): Rows {
  const { provider, requester, jobId, network, outcome, meteredSeconds } = receipt
  const price = formatUsd(receipt.pricePerHour)
  const least = receipt.minimumCharge === 0n ? '' : `, at least $${formatUsd(receipt.minimumCharge)},`
  const traffic =
    receipt.pricePerGb === 0n
      ? ''
      : `, ${formatBytes(Number(receipt.networkBytes))} at $${formatUsd(receipt.pricePerGb)} per GB,`
  return [
    ['job', jobId],
    ['network', network],
    ['provider', provider],
    ['requester', requester],
    ['outcome', `${outcome}${receipt.exitCode === undefined ? '' : `, exit code ${receipt.exitCode}`}`],
    ['cost', `${meteredSeconds} s at $${price}/h${least}${traffic} is $${formatUsd(receipt.costNanoUsd)}`],
    ['ended', isoTime(Number(receipt.endedAtMs))],
  ]
}

function refused(what: string, cause?: unknown): CliError {
  return new CliError(`Not valid: ${what}. Ask the other side for what both signed`, 1, { cause })
}

/** One receipt, or a list of them as `cortex job receipt -o FILE` and the API give it, each perhaps within its attempt's cost. */
async function readReceipts(path: string): Promise<{ receipts: Record<string, unknown>[]; isList: boolean }> {
  const value = await readJson(path)
  const list = isObject(value) && Array.isArray(value.receipts) ? value.receipts : value
  const receipts = (Array.isArray(list) ? list : [list]).flatMap((one) => {
    if (!isObject(one)) throw new CliError(`${path} holds no receipt: it must be one JSON object, or a list of them`)
    if (!('receipt' in one)) return [one]
    return isObject(one.receipt) ? [one.receipt] : []
  })
  if (receipts.length === 0) throw new CliError(`${path} holds no receipt: no attempt in it was signed`)
  return { receipts, isList: Array.isArray(list) }
}

async function readJson(path: string): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(path === '-' ? await text(process.stdin) : await readFile(path, 'utf8'))
    // The API wraps it; both are taken.
    return isObject(value) && value.success === true ? value.data : value
  } catch (cause) {
    throw new CliError(`${path} cannot be read as JSON: check the path`, 1, { cause })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
