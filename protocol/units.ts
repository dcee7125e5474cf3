/**
 * Amounts of CPU, memory and storage, as people write them and as the market counts them.
 * Inside the program an amount is always a whole number in its base unit: millicores, bytes.
 */

const FACTORS = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const

const BYTES = /^(\d{1,16})(?:\.(\d{1,9}))?(Ki|Mi|Gi|Ti)?$/

/** One gibibyte in bytes: the "GB" of every price. */
export const GIB = FACTORS.Gi

/**
 * Bytes of `"512Mi"`, `"1.5Gi"`, `"2048"` or `2048`; null where the text is no amount, is not a whole number of bytes,
 * or is beyond 2^53 - 1.
 */
export function parseBytes(text: string | number): number | null {
  const match = BYTES.exec(String(text))
  if (match === null) return null
  const [, whole = '', fraction = '', unit = ''] = match
  const factor = BigInt(FACTORS[unit as keyof typeof FACTORS])
  const scale = 10n ** BigInt(fraction.length)
  const scaled = BigInt(whole + fraction) * factor
  if (scaled % scale !== 0n) return null
  const bytes = scaled / scale
  return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : null
}

/** The shortest exact text for an amount of bytes: `"2Gi"`, `"1536Mi"`, `"1000"`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['Ti', 'Gi', 'Mi', 'Ki'] as const) {
    if (bytes !== 0 && bytes % FACTORS[unit] === 0) return `${bytes / FACTORS[unit]}${unit}`
  }
  return String(bytes)
}

/** An amount of bytes for people, always with its unit, and rounded to one digit behind the point: `"2Gi"`, `"3.7Gi"`, `"0B"`. */
export function shownBytes(bytes: number): string {
  const unit = (['Ti', 'Gi', 'Mi', 'Ki'] as const).find((one) => bytes >= FACTORS[one])
  return unit === undefined ? `${bytes}B` : `${Math.round((bytes / FACTORS[unit]) * 10) / 10}${unit}`
}

/** What a job asks for or a provider has. */
export interface Resources {
  /** Millicores; 1000 is one core. */
  cpuMillis: number
  memoryBytes: number
  storageBytes: number
  /** Whole GPUs. */
  gpu: number
}

/** Keys of {@link Resources}. */
export const RESOURCE_KINDS = ['cpuMillis', 'memoryBytes', 'storageBytes', 'gpu'] as const
/** One of {@link RESOURCE_KINDS}. */
export type ResourceKind = (typeof RESOURCE_KINDS)[number]

/** Nothing of any kind: where sums begin. */
export const NO_RESOURCES: Readonly<Resources> = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, gpu: 0 }

/** The sum, kind by kind. */
export function addResources(a: Resources, b: Resources): Resources {
  return mapResources((kind) => a[kind] + b[kind])
}

/** What of `a` is left without `b`, kind by kind; negative where `b` is more. */
export function subtractResources(a: Resources, b: Resources): Resources {
  return mapResources((kind) => a[kind] - b[kind])
}

/** The kinds of which `wanted` is more than `available`; empty when it fits. */
export function shortages(wanted: Resources, available: Resources): ResourceKind[] {
  return RESOURCE_KINDS.filter((kind) => wanted[kind] > available[kind])
}

/** Whether `wanted` is at most `available` in every kind. */
export function fits(wanted: Resources, available: Resources): boolean {
  // Written out: a directory asks this of thousands of providers for each job.
  return (
    wanted.cpuMillis <= available.cpuMillis &&
    wanted.memoryBytes <= available.memoryBytes &&
    wanted.storageBytes <= available.storageBytes &&
    wanted.gpu <= available.gpu
  )
}

/** An amount of one kind as people write it: `"500m CPU"`, `"2Gi memory"`, `"1 GPU"`. */
export function describeAmount(kind: ResourceKind, amount: number): string {
  switch (kind) {
    case 'cpuMillis':
      return `${amount}m CPU`
    case 'memoryBytes':
      return `${shownBytes(amount)} memory`
    case 'storageBytes':
      return `${shownBytes(amount)} storage`
    case 'gpu':
      return `${amount} GPU`
  }
}

function mapResources(amount: (kind: ResourceKind) => number): Resources {
  return {
    cpuMillis: amount('cpuMillis'),
    memoryBytes: amount('memoryBytes'),
    storageBytes: amount('storageBytes'),
    gpu: amount('gpu'),
  }
}
