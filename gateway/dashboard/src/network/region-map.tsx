import { Button, Text } from '@mantine/core'
import type { Provider } from '../../../client/index.ts'
import { counted, number } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { createPlaces, type Place, spread } from './regions.ts'
import world from './world.json'

/** Degrees to the drawing's units: two for each, from 180° west and 84° north on. */
const SCALE = 2
const NORTH = 84
const SIZE = { width: 720, height: 280 }
/** Regions that are listed, and of which those are on the map that have a place: there are as many as providers think of. */
const MOST_LISTED = 60

/** Its land and the middles of its countries are Natural Earth's at 1:110 million, which is in the public domain, in these units. */
const placeOf = createPlaces(world.countries as unknown as Record<string, Place>)

/** What is in one region. */
interface Region {
  /** As its providers call it; empty where they call it nothing. */
  name: string
  count: number
  online: number
  place: Place | null
}

interface RegionMapProps {
  providers: Provider[]
  /** The region that is looked at; undefined: all. */
  chosen: string | undefined
  onChoose(region: string | undefined): void
}

/** Where providers say that they are, as a map and as a list, which has those that are on no map. */
export function RegionMap({ providers, chosen, onChoose }: RegionMapProps) {
  const regions = regionsOf(providers)
  const listed = regions.slice(0, MOST_LISTED)
  const placed = spread(listed)
  const toggle = (name: string) => onChoose(name === chosen ? undefined : name)
  return (
    <Card title="Regions">
      {placed.length > 0 && <WorldMap regions={placed} chosen={chosen} onChoose={toggle} />}
      <div className="outcomes" role="group" aria-label="Regions">
        {listed.map(({ name, count, online, place }) => (
          <Button
            key={name}
            size="xs"
            variant={name === chosen ? 'light' : 'default'}
            aria-pressed={name === chosen}
            onClick={() => toggle(name)}
          >
            {name || 'not said'}: {counted(count, 'provider')}, {number(online)} online
            {place === null && name !== '' ? ', not on the map' : ''}
          </Button>
        ))}
      </div>
      {regions.length > listed.length && (
        <Text size="sm" c="dimmed" mt="xs">
          {counted(regions.length - listed.length, 'more region')} with few providers.
        </Text>
      )}
    </Card>
  )
}

/** By how many providers there are. */
function regionsOf(providers: Provider[]): Region[] {
  return [...Map.groupBy(providers, ({ region }) => region)]
    .map(([name, some]) => ({
      ...{ name, count: some.length, place: placeOf(name) },
      online: some.filter(({ status }) => status === 'online').length,
    }))
    .toSorted((a, b) => b.count - a.count || a.name.localeCompare(b.name))
}

interface WorldMapProps {
  regions: (Region & { at: Place })[]
  chosen: string | undefined
  onChoose(region: string): void
}

function WorldMap({ regions, chosen, onChoose }: WorldMapProps) {
  return (
    // For who sees and points; the buttons below do the same, and are what is read aloud.
    <svg
      viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
      className="world"
      aria-hidden="true"
      onClick={(event) => {
        const name = (event.target as Element).closest<SVGGElement>('[data-region]')?.dataset.region
        if (name !== undefined) onChoose(name)
      }}
    >
      <path d={world.land} className="world-land" />
      {regions.map(({ name, count, online, at: [east, north] }) => {
        const [x, y] = [(east + 180) * SCALE, (NORTH - north) * SCALE]
        return (
          <g key={name} data-region={name} data-chosen={name === chosen} className="world-region">
            <title>{`${name}: ${counted(count, 'provider')}, ${number(online)} online`}</title>
            <circle cx={x} cy={y} r={Math.min(16, 6 + Math.sqrt(count))} data-online={online > 0} />
            <text x={x} y={y} dy="0.35em" textAnchor="middle">
              {count > 999 ? '…' : count}
            </text>
          </g>
        )
      })}
    </svg>
  )
}
