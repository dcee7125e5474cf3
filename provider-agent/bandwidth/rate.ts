const UNITS: Record<string, number> = { kbit: 1e3, mbit: 1e6, gbit: 1e9 }

/** Below it a connection no longer comes about in a browser's patience. Bits a second, as the most. */
const LEAST_RATE = 64e3
const MOST_RATE = 1e12

/**
 * Bits a second, as links are sold: `100Mbit`, `1.5Gbit`, `800kbit`, of thousands. Null where it is written otherwise, or is not
 * 64 kbit to 1,000 Gbit.
 */
export function parseRate(text: string): number | null {
  const [, amount = '', unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)\s?([kmg]bit)$/i.exec(text.trim()) ?? []
  const rate = Math.round(Number(amount) * (UNITS[unit.toLowerCase()] ?? Number.NaN))
  return rate >= LEAST_RATE && rate <= MOST_RATE ? rate : null
}

/** As people write it, in the largest unit of which it is one or more. */
export function formatRate(bitsPerSecond: number): string {
  const [unit, size] = bitsPerSecond >= 1e9 ? ['Gbit', 1e9] : bitsPerSecond >= 1e6 ? ['Mbit', 1e6] : ['kbit', 1e3]
  return `${Number((bitsPerSecond / Number(size)).toFixed(3))}${unit}`
}
