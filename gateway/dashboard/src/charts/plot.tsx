import 'uplot/dist/uPlot.min.css'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import uPlot from 'uplot'
import type { Columns } from './columns.ts'
import type { Crosshair } from './crosshair.ts'
import { optionsOf, type PlotEvents, type PlotShape } from './plot-options.ts'

interface PlotProps extends PlotShape, PlotEvents {
  columns: Columns
  crosshair: Crosshair
  /** @default 200 */
  height?: number
}

/** One chart over time. What it says to who cannot see it, says the page around it. */
export function Plot(props: PlotProps) {
  const { columns, crosshair, height = 200, kind, names, limit, range } = props
  const scheme = useSyncExternalStore(onScheme, schemeNow)
  const host = useRef<HTMLDivElement>(null)
  const made = useRef<{ plot: uPlot; pointed(): void }>(null)
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })
  const drawnAs = JSON.stringify([kind, names, scheme, height])

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew where it is drawn otherwise; what it shows comes by the effect below
  useEffect(() => {
    const element = host.current
    if (element === null) return
    const plot = new uPlot(
      optionsOf(
        () => latest.current,
        () => latest.current,
        element,
        height,
      ),
      latest.current.columns,
      element,
    )
    // Whether the mouse is on this chart, which then moves its line by itself.
    let isOwn = false
    const pointed = (): void => {
      const at = crosshair.at()
      if (!isOwn) plot.setCursor({ left: at === null ? -10 : plot.valToPos(at, 'x'), top: 0 }, false)
    }
    made.current = { plot, pointed }
    // A finger that moves sideways points; one that moves up or down scrolls the page.
    plot.over.addEventListener('pointermove', ({ pointerType, clientX }) => {
      isOwn = pointerType === 'mouse'
      crosshair.point(plot.posToVal(clientX - plot.over.getBoundingClientRect().left, 'x'))
      isOwn = false
    })
    plot.over.addEventListener('pointerleave', ({ pointerType }) => {
      if (pointerType === 'mouse') crosshair.point(null)
    })
    const stop = crosshair.subscribe(pointed)
    const sizes = new ResizeObserver(() => {
      if (element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height })
    })
    sizes.observe(element)
    return () => {
      stop()
      sizes.disconnect()
      plot.destroy()
      made.current = null
    }
  }, [drawnAs, crosshair])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a limit is drawn with the rest
  useEffect(() => {
    if (made.current === null) return
    const { plot, pointed } = made.current
    plot.batch(() => {
      plot.setData(columns, false)
      plot.setScale('x', { min: range.from, max: range.to })
    })
    pointed()
  }, [columns, range.from, range.to, limit?.value, limit?.name, drawnAs])

  return <div ref={host} className="plot" style={{ height }} aria-hidden />
}

const SCHEME = 'data-mantine-color-scheme'

function schemeNow(): string | null {
  return document.documentElement.getAttribute(SCHEME)
}

/** As the page is, whoever changed that: canvases take their colours once. */
function onScheme(listener: () => void): () => void {
  const changes = new MutationObserver(listener)
  changes.observe(document.documentElement, { attributeFilter: [SCHEME] })
  return () => changes.disconnect()
}
