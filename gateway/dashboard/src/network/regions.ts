/** Where on the map a region is, by what providers call it: their own words, of which most are those of clouds. */

/** A part of the world, in degrees: west, south, east, north. */
type Box = readonly [west: number, south: number, east: number, north: number]
/** Longitude and latitude. */
export type Place = readonly [east: number, north: number]

const EUROPE: Box = [-9, 38, 30, 62]
const US: Box = [-122, 30, -74, 46]
const NORTH_AMERICA: Box = [-122, 28, -70, 56]
const SOUTH_AMERICA: Box = [-76, -38, -40, 4]
const ASIA: Box = [66, -2, 142, 48]
const AFRICA: Box = [-10, -32, 42, 30]
const MIDDLE_EAST: Box = [34, 18, 56, 36]
const OCEANIA: Box = [115, -40, 176, -14]

/** Characters of a region that are read. */
const MAX_LENGTH = 64

/** Words for parts of the world that are no countries, or that clouds call so. */
const AREAS: Readonly<Record<string, Box>> = {
  ...{ eu: EUROPE, europe: EUROPE, emea: EUROPE, us: US, usa: US, na: NORTH_AMERICA, northamerica: NORTH_AMERICA },
  ...{ sa: SOUTH_AMERICA, southamerica: SOUTH_AMERICA, latam: SOUTH_AMERICA, asia: ASIA, ap: ASIA, apac: ASIA },
  ...{
    af: AFRICA,
    africa: AFRICA,
    me: MIDDLE_EAST,
    middleeast: MIDDLE_EAST,
    oceania: OCEANIA,
    ca: [-128, 45, -62, 56],
  },
  uk: [-5, 51, 1, 56],
}

/** What may stand behind the code of a country: `de-fra1`, `de-2`, but not `at home`. */
const BEHIND_CODE = /^(?:(?:[-_ ][a-z]{3})?[-_ ]?\d*|[-_ ](?:north|south|east|west|central)+\W*\d*)$/

/**
 * Finds regions as providers say them, such as `eu-west-1`, `Germany` or `us`; null where nobody knows where that is.
 * @param countries by their codes of two letters
 */
export function createPlaces(countries: Readonly<Record<string, Place>>): (region: string) => Place | null {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  const byName = new Map(Object.entries(countries).map(([code, place]) => [names.of(code)?.toLowerCase(), place]))
  return (region) => {
    const text = region.slice(0, MAX_LENGTH).toLowerCase().trim()
    const words = text
      .replace(/\b(north|south)[ _-](america)\b|\b(middle)[ _-](east)\b/, '$1$2$3$4')
      .split(/[^\p{L}]+/u)
    for (const [i, word] of words.entries()) {
      // Codes of two letters are words of many languages: `ask me` is nowhere.
      const area = i > 0 && word.length < 3 ? undefined : areaOf(word)
      if (area !== undefined) return within(area, words.filter((one) => !Object.hasOwn(AREAS, one)).join(' '))
    }
    const code = text.slice(0, 2).toUpperCase()
    const isCode = Object.hasOwn(countries, code) && BEHIND_CODE.test(text.slice(2))
    return byName.get(text) ?? (isCode ? countries[code] : undefined) ?? null
  }
}

/** Of `europe`, and of `westeurope`. */
function areaOf(word: string): Box | undefined {
  const plain = word.replace(/^(?:north|south|east|west|central)+/, '')
  return [word, plain].map((name) => (Object.hasOwn(AREAS, name) ? AREAS[name] : undefined)).find((area) => area)
}

/** `eu-west` is in the west of its box, `eu` in the middle. */
function within([west, south, east, north]: Box, text: string): Place {
  const share = (less: RegExp, more: RegExp) => 0.5 + (more.test(text) ? 1 / 3 : 0) - (less.test(text) ? 1 / 3 : 0)
  return [west + (east - west) * share(/west/, /east/), south + (north - south) * share(/south/, /north/)]
}

/** How far apart regions at one place are drawn, in degrees. */
const ASIDE = 7
/** As many of one place stand around it, in rows of three: more would be drawn over other countries. */
const MOST_AROUND = 9

/** Those that have a place, each where none before it is; of many at one place the first nine. */
export function spread<R extends { place: Place | null }>(regions: readonly R[]): (R & { at: Place })[] {
  const taken = new Map<string, number>()
  return regions.flatMap((region) => {
    if (region.place === null) return []
    const [east, north] = region.place
    const before = taken.get(`${east} ${north}`) ?? 0
    taken.set(`${east} ${north}`, before + 1)
    if (before >= MOST_AROUND) return []
    return { ...region, at: [east + (before % 3) * ASIDE, north - Math.floor(before / 3) * ASIDE] as const }
  })
}
