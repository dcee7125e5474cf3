/** Time zones as people type them: by an IANA name in any case, a city, a country, an offset or a short name. */

/** Why a text is no time zone; the message says what would be right. */
export class TimeZoneError extends Error {
  override readonly name = 'TimeZoneError'
  readonly code = 'INVALID_TIME_ZONE'
}

/**
 * Short names, which IANA leaves to each zone, and `Intl` knows in the language of a few countries only. Those that are
 * names of IANA (`CET`, `EST`) are not here.
 */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  ...{ z: ['UTC'], pt: ['America/Los_Angeles'], pst: ['America/Los_Angeles'], pdt: ['America/Los_Angeles'] },
  ...{ mt: ['America/Denver'], mdt: ['America/Denver'], ct: ['America/Chicago'], cdt: ['America/Chicago'] },
  ...{ et: ['America/New_York'], edt: ['America/New_York'], akst: ['America/Anchorage'], akdt: ['America/Anchorage'] },
  ...{ adt: ['America/Halifax'], nst: ['America/St_Johns'], ndt: ['America/St_Johns'], brt: ['America/Sao_Paulo'] },
  ...{ cest: ['Europe/Brussels'], mez: ['Europe/Brussels'], mesz: ['Europe/Brussels'], eest: ['Europe/Athens'] },
  ...{ west: ['Europe/Lisbon'], msk: ['Europe/Moscow'] },
  ...{ trt: ['Europe/Istanbul'], sast: ['Africa/Johannesburg'], eat: ['Africa/Nairobi'], wat: ['Africa/Lagos'] },
  ...{ cat: ['Africa/Maputo'], gst: ['Asia/Dubai'], pkt: ['Asia/Karachi'], ict: ['Asia/Bangkok'] },
  ...{ wib: ['Asia/Jakarta'], sgt: ['Asia/Singapore'], hkt: ['Asia/Hong_Kong'], jst: ['Asia/Tokyo'] },
  ...{ kst: ['Asia/Seoul'], awst: ['Australia/Perth'], acst: ['Australia/Adelaide'], acdt: ['Australia/Adelaide'] },
  ...{ aest: ['Australia/Sydney'], aedt: ['Australia/Sydney'], nzst: ['Pacific/Auckland'], nzdt: ['Pacific/Auckland'] },
  ...{ pacific: ['America/Los_Angeles'], mountain: ['America/Denver'], central: ['America/Chicago'] },
  eastern: ['America/New_York'],
  // Of several.
  ...{ cst: ['America/Chicago', 'Asia/Shanghai', 'America/Havana'], bst: ['Europe/London', 'Asia/Dhaka'] },
  ...{ ist: ['Asia/Kolkata', 'Europe/Dublin', 'Asia/Jerusalem'], ast: ['America/Halifax', 'Asia/Riyadh'] },
}

/** `UTC+2`, `GMT -05:30`, `+0200`. */
const OFFSET = /^(?:utc|gmt)?\s*([+\u2212-])\s*(\d{1,2})(?::?(\d{2}))?$/i
/** Hours east of UTC at the most, and at the least, that have a name of their own. */
const OFFSETS = { least: -12, most: 14 }
/** Names beside those that `Intl` lists: links, such as `US/Pacific`. */
const MORE_AREAS = ['US', 'Canada', 'Brazil', 'Chile', 'Mexico']
/** Names that are told where a text is none. */
const MOST_TOLD = 4
/** How alike two names are at least, 0 to 1, for one to be told in place of the other. */
const ALIKE = 0.5

const listed = new Intl.ListFormat('en-GB', { type: 'disjunction' })

/**
 * The IANA name of the zone that a text means, links included: `Europe/Berlin` for `berlin`, `America/Los_Angeles` for
 * `PST`, `Etc/GMT-2` for `UTC+2` (IANA counts to the west).
 * @throws {TimeZoneError} where it means none, or several
 */
export function readTimeZone(text: string): string {
  const typed = text.trim()
  const plain = typed
    .toLowerCase()
    .replace(/(?:\s+(?:standard|daylight|summer))?\s+time$/, '')
    .replaceAll(/[\s_]+/g, ' ')
  const offset = OFFSET.exec(typed)
  if (offset !== null) return only(zonesOfOffset(offset), typed)
  const short = Object.hasOwn(SHORT_NAMES, plain) ? SHORT_NAMES[plain] : undefined
  if (short !== undefined) return only(short, typed)
  const name = ianaName(typed)
  if (name !== null) return name
  const places = placesCalled(plain)
  return only(places.length > 0 ? places : zonesOfCountry(plain), typed)
}

/** How far a zone is from UTC at a moment, such as `UTC+02:00`. @param timeZone IANA name */
export function offsetOf(timeZone: string, atMs: number): string {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const part = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')
  return (part?.value ?? '').replace('GMT', 'UTC')
}

/** The zone, where it is one. @throws {TimeZoneError} */
function only(zones: readonly string[], typed: string): string {
  const [zone, ...more] = zones
  if (zone !== undefined && more.length === 0) return zone
  if (zone !== undefined) {
    throw new TimeZoneError(`is the time of several places: write ${listed.format(zones.slice(0, MOST_TOLD))}`)
  }
  const near = namesLike(typed)
  const instead = near.length > 0 ? listed.format(near) : 'a name such as Europe/Berlin, or an offset such as UTC+2'
  throw new TimeZoneError(`is no time zone: write ${instead}`)
}

/** The name as IANA writes it; null where it is none. */
function ianaName(text: string): string | null {
  const name = text.replaceAll(/\s+/g, '_')
  let zone: string
  try {
    zone = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return null // what is no name is looked for in other ways
  }
  if (zone.toLowerCase() === name.toLowerCase()) return zone
  return isWritten(name) ? name : zone
}

/** Whether a link is written as IANA does: else, and of short names, what it leads to is told. */
function isWritten(name: string): boolean {
  const parts = name.split('/')
  return parts.length > 1 && parts.every((part) => /^[A-Z]/.test(part)) && /[a-z]/.test(parts.at(-1) ?? '')
}

/** Zones of an area that are called so: those of `new york`, or `kolkata`, which `Intl` does not list. */
function placesCalled(plain: string): string[] {
  const name = plain.replaceAll(
    /(^|[ -])(\p{L})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  )
  return [...areas()].flatMap((area) => ianaName(`${area}/${name}`) ?? [])
}

function areas(): Set<string> {
  const names = Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'))
  return new Set([...names.map((zone) => zone.slice(0, zone.lastIndexOf('/'))), ...MORE_AREAS])
}

/** Zones of a country by its English name; one where all its clocks are alike. */
function zonesOfCountry(plain: string): string[] {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  const codes = letters.flatMap((first) => letters.map((second) => first + second))
  const code = codes.find((one) => names.of(one)?.toLowerCase() === plain)
  if (code === undefined) return []
  const region: Intl.Locale & { getTimeZones?(): string[] | undefined } = new Intl.Locale('und', { region: code })
  const zones = region.getTimeZones?.() ?? []
  return new Set(zones.map(clocksOf)).size === 1 ? zones.slice(0, 1) : zones
}

/** How far a zone is from UTC in January and in July of this year. */
function clocksOf(zone: string): string {
  const year = new Date().getUTCFullYear()
  return [0, 6].map((month) => offsetOf(zone, Date.UTC(year, month, 1))).join(' ')
}

/** Hours have a zone of their own; of other offsets those places whose clocks are never set. */
function zonesOfOffset([, sign, hourText, minuteText = '0']: RegExpExecArray): string[] {
  const west = sign !== '+'
  const [hours, minutes] = [Number(hourText), Number(minuteText)]
  const east = west ? -hours : hours
  if (minutes === 0) {
    if (hours === 0) return ['UTC']
    return east >= OFFSETS.least && east <= OFFSETS.most ? [`Etc/GMT${west ? '+' : '-'}${hours}`] : []
  }
  const offset = `UTC${west ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`
  steady ??= Map.groupBy(Intl.supportedValuesOf('timeZone'), clocksOf)
  return steady.get(`${offset} ${offset}`) ?? []
}

/** Zones by {@link clocksOf} them; worked out once, which takes a while. */
let steady: Map<string, string[]> | undefined

/** The names that are most like a text. */
function namesLike(typed: string): string[] {
  const asked = pairsOf(typed.toLowerCase().replaceAll(/\s+/g, '_'))
  known ??= Intl.supportedValuesOf('timeZone').map((zone) => {
    const name = zone.toLowerCase()
    return { zone, names: [name, name.slice(name.lastIndexOf('/') + 1)].map(pairsOf) }
  })
  return known
    .map(({ zone, names }) => ({ zone, likeness: Math.max(...names.map((pairs) => likeness(asked, pairs))) }))
    .filter((one) => one.likeness >= ALIKE)
    .toSorted((a, b) => b.likeness - a.likeness)
    .slice(0, MOST_TOLD)
    .map(({ zone }) => zone)
}

/** All that are listed, with the pairs of their names; worked out once. */
let known: { zone: string; names: Set<string>[] }[] | undefined

/** Each two letters that follow one another; none of a text of two. */
function pairsOf(text: string): Set<string> {
  return new Set(text.length < 3 ? [] : Array.from({ length: text.length - 1 }, (_, i) => text.slice(i, i + 2)))
}

/** Sørensen and Dice: how much two sets have in common, 0 to 1. */
function likeness(a: Set<string>, b: Set<string>): number {
  const common = [...a].filter((pair) => b.has(pair)).length
  return a.size + b.size === 0 ? 0 : (2 * common) / (a.size + b.size)
}
