import uPlot from 'uplot'
import { dayMarks, timeMarks } from '../format/time-axis.ts'
import { amountMarks } from './columns.ts'
import { dragged, type TimeRange } from './time-range.ts'

/** How a line is drawn: a curve, steps that hold until the next, or bars that stand before one another. */
export type PlotKind = 'lines' | 'steps' | 'bars'

/** What is drawn as a dashed line with its name. */
export interface PlotLimit {
  name: string
  value: number
  /** Where it is no bound, but to compare with. */
  isNote?: boolean
}

/** What a plot shows besides its values; see {@link optionsOf}. */
export interface PlotShape {
  kind: PlotKind
  names: readonly string[]
  /** Whether amounts are bytes, whose round numbers are others. */
  isBytes: boolean
  format(value: number): string
  limit?: PlotLimit | undefined
  range: TimeRange
}

/** What a plot tells. */
export interface PlotEvents {
  /** A part was dragged over. */
  onZoom(range: TimeRange): void
  /** Back to the whole. */
  onReset(): void
}

/** Colours of a theme, as canvases take them. */
interface Colors {
  lines: string[]
  quiet: string
  grid: string
  limit: string
  surface: string
}

const AXIS_WIDTH = 84
const MARK_WIDTH = 72
/** A limit that is further up than this many times the highest value is named at the top, so that the line is no flat one. */
const FAR = 10
/** Room above the highest value. */
const HEADROOM = 1.08
/** What tells lines apart without colours, too. */
const DASHES = [[], [6, 3], [2, 3], [12, 3, 2, 3]]
const FONT = '12px system-ui, sans-serif'

/** @param shape asked anew each time something is drawn */
export function optionsOf(
  shape: () => PlotShape,
  events: () => PlotEvents,
  element: HTMLElement,
  height: number,
): uPlot.Options {
  const colors = colorsOf(element)
  const { kind, names } = shape()
  const marks = kind === 'bars' ? dayMarks : timeMarks
  const axis: uPlot.Axis = {
    font: FONT,
    stroke: colors.quiet,
    grid: { stroke: colors.grid, width: 1 },
    ticks: { show: false },
  }
  return {
    width: Math.max(1, element.clientWidth),
    height,
    padding: [10, 8, 0, 0],
    ms: 1,
    legend: { show: false },
    scales: {
      x: { time: true, auto: false, min: shape().range.from, max: shape().range.to },
      y: { range: (_self, _min, max) => [0, topOf(max, shape())] },
    },
    series: [{}, ...names.map((_name, at) => seriesOf(kind, at, colors))],
    axes: [
      {
        ...axis,
        size: 26,
        grid: { show: false },
        splits: (self, _axis, min, max) => marks(min, max, marksIn(self)).ticks,
        values: (self, splits) => {
          const { min = 0, max = 0 } = self.scales.x ?? {}
          return splits.map(marks(min, max, marksIn(self)).format)
        },
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        splits: (_self, _axis, _min, max) => amountMarks(max, shape().isBytes),
        values: (_self, splits) => splits.map((value) => shape().format(value)),
      },
    ],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 6 },
      points: { size: 7 },
      bind: {
        dblclick: () => () => {
          events().onReset()
          return null
        },
      },
    },
    hooks: {
      setSelect: [
        (self) => {
          const { left, width } = self.select
          if (width <= 0) return
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          events().onZoom(dragged(self.posToVal(left, 'x'), self.posToVal(left + width, 'x')))
        },
      ],
      draw: [(self) => drawLimit(self, shape(), colors)],
    },
  }
}

/** How many times an axis has room for. */
function marksIn(self: uPlot): number {
  return Math.max(2, Math.floor((self.width - AXIS_WIDTH) / MARK_WIDTH))
}

function seriesOf(kind: PlotKind, at: number, colors: Colors): uPlot.Series {
  const stroke = colors.lines[at % colors.lines.length] ?? colors.quiet
  const { bars, stepped } = uPlot.paths
  if (kind === 'bars') {
    return {
      stroke,
      fill: stroke,
      width: 0,
      points: { show: false },
      ...(bars && { paths: bars({ size: [0.7, 44] }) }),
    }
  }
  return {
    stroke,
    width: 1.8,
    dash: DASHES[at % DASHES.length] ?? [],
    ...(kind === 'steps' && stepped && { paths: stepped({ align: 1 }) }),
  }
}

function topOf(max: number | null, { limit }: PlotShape): number {
  const most = Math.max(0, max ?? 0)
  const top = limit === undefined || isFar(limit.value, most) ? most : Math.max(most, limit.value)
  return top > 0 ? top * HEADROOM : 1
}

function isFar(limit: number, most: number): boolean {
  return most > 0 && limit > FAR * most
}

/** A dashed line with a name; of a limit far above all values the name, at the top. */
function drawLimit(self: uPlot, { limit }: PlotShape, colors: Colors): void {
  if (limit === undefined) return
  const { ctx, bbox } = self
  const isAbove = limit.value > (self.scales.y?.max ?? 0)
  const color = limit.isNote === true ? colors.quiet : colors.limit
  const y = isAbove ? bbox.top : Math.round(self.valToPos(limit.value, 'y', true))
  const ratio = uPlot.pxRatio
  ctx.save()
  ctx.strokeStyle = color
  ctx.lineWidth = 1.5 * ratio
  if (!isAbove) {
    ctx.setLineDash([6 * ratio, 4 * ratio])
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
  }
  ctx.font = `${12 * ratio}px system-ui, sans-serif`
  ctx.textAlign = 'right'
  const isBelow = y - bbox.top < 16 * ratio
  ctx.textBaseline = isBelow ? 'top' : 'bottom'
  const place: [number, number] = [bbox.left + bbox.width - 4 * ratio, y + (isBelow ? 3 : -3) * ratio]
  const text = isAbove ? `${limit.name} ↑` : limit.name
  ctx.setLineDash([])
  ctx.lineWidth = 3 * ratio
  ctx.strokeStyle = colors.surface
  ctx.strokeText(text, ...place)
  ctx.fillStyle = color
  ctx.fillText(text, ...place)
  ctx.restore()
}

function colorsOf(element: HTMLElement): Colors {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  return {
    lines: ['--run', '--ok', '--warn', '--quiet'].map(color),
    quiet: color('--quiet'),
    grid: color('--line'),
    limit: color('--bad'),
    surface: color('--surface'),
  }
}
