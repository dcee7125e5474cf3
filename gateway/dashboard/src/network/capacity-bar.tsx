import { bytesOf } from '../format/amounts.ts'

interface CapacityBarProps {
  /** For those who cannot see it. */
  what: string
  total: number | string
  free: number | string
  format(value: number): string
}

/** How much of something is taken. */
export function CapacityBar({ what, total, free, format }: CapacityBarProps) {
  const [all, left] = [total, free].map((value) => (typeof value === 'string' ? bytesOf(value) : value)) as [
    number,
    number,
  ]
  const taken = all === 0 ? 0 : Math.round(((all - left) / all) * 100)
  return (
    <div className="capacity">
      <div
        role="meter"
        aria-label={`Taken ${what}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={taken}
        aria-valuetext={`${taken} percent`}
        className="capacity-bar"
      >
        <div style={{ width: `${taken}%` }} />
      </div>
      <span>
        {format(left)} free of {format(all)}
      </span>
    </div>
  )
}
