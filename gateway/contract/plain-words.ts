/** Times and amounts as people read them, the same at a terminal and in the dashboard. */

/** `3 s`, `4 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })

/** Where the reader is, with the time zone: `28 Nov 2026, 22:15:03 CET`. @param at ISO 8601, or ms since the epoch */
export function exact(at: string | number): string {
  return full.format(new Date(at))
}

/** US dollars to the nano-dollar, without an exponent, and no longer than they need: `$0.000012`. */
export function dollars(amount: number): string {
  return `$${decimal(amount)}`
}

/** The same without a sign of the currency, as programs read it: `0.000012`. */
export function decimal(usd: number): string {
  return usd.toFixed(9).replace(/\.?0+$/, '')
}

const rounded = {
  whole: new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  cents: new Intl.NumberFormat('en', { maximumFractionDigits: 4 }),
  tiny: new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }),
}

/** US dollars with as many digits as small amounts need: `$0.000012`, `$0.0125`, `$1.25`. */
export function aboutDollars(amount: number): string {
  if (amount === 0) return '$0'
  const size = Math.abs(amount)
  const format = size >= 1 ? rounded.whole : size >= 0.01 ? rounded.cents : rounded.tiny
  return `$${format.format(amount)}`
}
