import { Button, Group, Table, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { exact } from '../format/time.ts'
import { Card } from '../ui/card.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { columnsOf, type Line, nearest, pointAt } from './columns.ts'
import { type Crosshair, createCrosshair, useCrosshair } from './crosshair.ts'
import { Plot } from './plot.tsx'
import type { PlotKind, PlotLimit } from './plot-options.ts'
import { closer, moved, type TimeRange, wider } from './time-range.ts'

/** One of the charts that are looked at together. */
export interface ChartSpec {
  title: string
  lines: readonly Line[]
  format(value: number): string
  /** @default "lines" */
  kind?: PlotKind
  /** Whether amounts are bytes, whose round numbers are others. */
  isBytes?: boolean
  limit?: PlotLimit | undefined
}

interface TimeChartsProps {
  /** What they are of, for whoever hears it. */
  label: string
  charts: readonly ChartSpec[]
  /** How far apart points are meant to be. */
  stepMs: number
  /** All that there is to see. */
  whole: TimeRange
  /** The part of it that is shown; null: all. */
  zoom: TimeRange | null
  /** Another part was asked for; null: all. */
  onZoom(range: TimeRange | null): void
  /** How a moment is written. @default to the second, with the time zone */
  when?(at: number): string
  /** Whether the values are there as a table, which something else on the page may be. @default true */
  hasTable?: boolean
}

/** Rows of the table beside charts: more than that nobody reads. */
const MAX_ROWS = 200

/** Charts over the same time: one crosshair and one readout for all, zoomed together by a drag, a double click goes back. */
export function TimeCharts(props: TimeChartsProps) {
  const { label, charts, stepMs, whole, zoom, onZoom, when = exact, hasTable = true } = props
  const [crosshair] = useState(createCrosshair)
  const range = zoom ?? whole
  const { from, to } = range
  const times = useMemo(() => timesIn(charts, { from, to }), [charts, from, to])
  return (
    <section aria-label={label}>
      <div className="chart-tools">
        <Readout {...{ charts, times, crosshair, stepMs, when }} />
        <Zooming {...{ whole, range, isZoomed: zoom !== null, onZoom }} />
      </div>
      <div className="charts">
        {charts.map((chart) => (
          <ChartCard key={chart.title} {...{ chart, stepMs, range, crosshair, onZoom }} />
        ))}
      </div>
      {hasTable && <ValueTable {...{ label, charts, times, stepMs, when }} />}
    </section>
  )
}

function timesIn(charts: readonly ChartSpec[], { from, to }: TimeRange): number[] {
  const times = charts.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ at }) => at)))
  return [...new Set(times)].filter((at) => at >= from && at <= to).sort((a, b) => a - b)
}

/** What a line is at a moment, as it is written. */
function textAt({ format, kind = 'lines', limit }: ChartSpec, { points }: Line, at: number, stepMs: number): string {
  // A price holds until the next; what is measured tells of the moments around it.
  const point = kind === 'steps' ? points.findLast((one) => one.at <= at) : pointAt(points, at, 1.5 * stepMs)
  if (point === undefined || point === null) return '–'
  const text = format(point.value)
  const isBound = limit !== undefined && limit.isNote !== true && limit.value > 0
  if (!isBound || text.endsWith('%')) return text
  return `${text} (${Math.round((100 * point.value) / limit.value)} %)`
}

/** Each line of all charts, with what it is called beside the others; people and peers may give two the same name. */
function linesOf(charts: readonly ChartSpec[]) {
  return charts.flatMap((chart) =>
    chart.lines.map((line, place) => ({
      ...{ chart, line, place, key: `${chart.title} ${place}` },
      name: chart.lines.length > 1 ? `${chart.title}: ${line.name}` : chart.title,
    })),
  )
}

interface ReadoutProps {
  charts: readonly ChartSpec[]
  times: readonly number[]
  crosshair: Crosshair
  stepMs: number
  when(at: number): string
}

/** The values at the moment that is pointed at, of all charts, else the last ones; its slider points without a mouse. */
function Readout({ charts, times, crosshair, stepMs, when }: ReadoutProps) {
  const pointed = useCrosshair(crosshair)
  const place = pointed === null ? times.length - 1 : nearest(times.length, (index) => times[index] ?? 0, pointed)
  const at = times[place]
  if (at === undefined) {
    return (
      <Text size="sm" c="dimmed" className="readout">
        Nothing was measured in this time.
      </Text>
    )
  }
  const values = linesOf(charts).map(({ chart, line, place: swatch, ...rest }) => ({
    ...rest,
    swatch: chart.lines.length > 1 ? swatch : null,
    kind: chart.kind ?? 'lines',
    text: textAt(chart, line, at, stepMs),
  }))
  return (
    <div className="readout">
      <input
        type="range"
        aria-label="Moment"
        min={0}
        max={times.length - 1}
        value={place}
        aria-valuetext={`${when(at)}: ${values.map(({ name, text }) => `${name} ${text}`).join(', ')}`}
        onChange={(event) => crosshair.point(times[Number(event.currentTarget.value)] ?? null)}
      />
      <strong className="readout-time">{when(at)}</strong>
      <dl className="readout-values">
        {values.map(({ key, name, swatch, kind, text }) => (
          <div key={key}>
            <dt>
              {swatch !== null && <span className="swatch" data-line={swatch} data-kind={kind} aria-hidden />}
              {name}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

interface ZoomingProps {
  whole: TimeRange
  range: TimeRange
  isZoomed: boolean
  onZoom(range: TimeRange | null): void
}

/** What a drag and a double click do, for fingers and keys. */
function Zooming({ whole, range, isZoomed, onZoom }: ZoomingProps) {
  const actions: [name: string, isPossible: boolean, act: () => void][] = [
    ['Zoom in', true, () => onZoom(closer(range))],
    ['Zoom out', isZoomed, () => onZoom(wider(range, whole))],
    ['Earlier', isZoomed && range.from > whole.from, () => onZoom(moved(range, -1, whole))],
    ['Later', isZoomed && range.to < whole.to, () => onZoom(moved(range, 1, whole))],
    ['All of it', isZoomed, () => onZoom(null)],
  ]
  return (
    <Group gap={6} role="group" aria-label="Zoom">
      {actions.map(([name, isPossible, act]) => (
        <Button key={name} size="compact-sm" variant="default" disabled={!isPossible} onClick={act}>
          {name}
        </Button>
      ))}
    </Group>
  )
}

interface ChartCardProps {
  chart: ChartSpec
  stepMs: number
  range: TimeRange
  crosshair: Crosshair
  onZoom(range: TimeRange | null): void
}

function ChartCard({ chart, stepMs, range, crosshair, onZoom }: ChartCardProps) {
  const { title, lines, format, kind = 'lines', isBytes = false, limit } = chart
  const columns = useMemo(() => columnsOf(lines, stepMs), [lines, stepMs])
  const names = lines.map(({ name }) => name)
  return (
    <Card
      title={title}
      actions={
        <span className="chart-now">
          {lines.length > 1 &&
            linesOf([chart]).map(({ key, line, place }) => (
              <span key={key} className="chart-name">
                <span className="swatch" data-line={place} data-kind={kind} aria-hidden />
                {line.name}
              </span>
            ))}
        </span>
      }
    >
      <div role="img" aria-label={`${title} over time: ${lines.map((line) => summaryOf(line, chart)).join('; ')}`}>
        <Plot
          {...{ kind, names, isBytes, format, limit, range, columns, crosshair, onZoom }}
          onReset={() => onZoom(null)}
        />
      </div>
    </Card>
  )
}

/** A line in words. */
function summaryOf({ name, points }: Line, { lines, format, limit }: ChartSpec): string {
  const values = points.map(({ value }) => value)
  const which = lines.length > 1 ? `${name} ` : ''
  if (values.length === 0) return `${which}not measured`
  const least = values.reduce((low, value) => Math.min(low, value))
  const most = values.reduce((high, value) => Math.max(high, value))
  const last = format(values.at(-1) ?? 0)
  const bound = limit === undefined ? '' : `, ${limit.name.replace(/^L/, 'l')}`
  return `${which}from ${format(least)} to ${format(most)}, ${last} in the end${bound}`
}

interface ValueTableProps {
  label: string
  charts: readonly ChartSpec[]
  times: readonly number[]
  stepMs: number
  when(at: number): string
}

/** The same in numbers, where somebody asks for them. */
function ValueTable({ label, charts, times, stepMs, when }: ValueTableProps) {
  const [isOpen, setOpen] = useState(false)
  const columns = linesOf(charts)
  const shown = isOpen ? times.slice(-MAX_ROWS) : []
  return (
    <details className="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {isOpen && (
        <PlainTable
          label={`${label}, in numbers`}
          heads={['Time', ...columns.map(({ name }) => ({ label: name, isRight: true }))]}
        >
          {shown.map((at) => (
            <Table.Tr key={at}>
              <Table.Td className="nowrap">{when(at)}</Table.Td>
              {columns.map(({ chart, line, key }) => (
                <Table.Td key={key} ta="right">
                  {textAt(chart, line, at, stepMs)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </PlainTable>
      )}
      {isOpen && shown.length < times.length && (
        <Text size="sm" c="dimmed">
          The last {shown.length} of {times.length}: zoom in for others.
        </Text>
      )}
    </details>
  )
}
