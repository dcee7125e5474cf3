/** How a terminal shows text: what the orders `ESC [ … m` set, which hold until they are changed, over line ends too. */
export interface TextStyle {
  /** 0 to 15: the terminal's own colours; 16 to 255: the table of xterm; from {@link RGB} on: any. Absent: the usual one. */
  fg?: number
  bg?: number
  bold?: true
  dim?: true
  italic?: true
  underline?: true
  inverse?: true
  hidden?: true
  strike?: true
}

/** No order holds. One object, so that it is told by comparing. */
export const PLAIN: TextStyle = Object.freeze({})
/** What is added to `0xRRGGBB`. */
export const RGB = 0x1000000

type Flag = Exclude<keyof TextStyle, 'fg' | 'bg'>
const ON: Record<number, Flag> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  8: 'hidden',
  9: 'strike',
}
const OFF: Record<number, Flag[]> = {
  21: ['bold'],
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  28: ['hidden'],
  29: ['strike'],
}

/** The style after `ESC [ PARAMETERS m`. What is unknown changes nothing. */
export function styled(before: TextStyle, parameters: string): TextStyle {
  let style: TextStyle = { ...before }
  // `38:2::R:G:B` is one parameter with parts; `38;2;R;G;B` says the same with several.
  const groups = parameters.split(';').map((group) => group.split(':'))
  for (let at = 0; at < groups.length; at += 1) {
    const [code = 0, ...parts] = (groups[at] ?? []).map((part) => (part === '' ? 0 : Number(part)))
    const flag = ON[code]
    if (code === 0) style = {}
    else if (code === 4 && parts[0] === 0) delete style.underline
    else if (flag !== undefined) style[flag] = true
    else if (code in OFF) for (const off of OFF[code] ?? []) delete style[off]
    else if (code >= 30 && code <= 37) style.fg = code - 30
    else if (code >= 90 && code <= 97) style.fg = code - 82
    else if (code >= 40 && code <= 47) style.bg = code - 40
    else if (code >= 100 && code <= 107) style.bg = code - 92
    else if (code === 39) delete style.fg
    else if (code === 49) delete style.bg
    else if (code === 38 || code === 48) {
      const flat = groups.slice(at + 1, at + 5).map(([part = '']) => Number(part))
      const { color, used } =
        parts.length > 0 ? colorOf(parts.length > 4 ? parts.toSpliced(1, 1) : parts) : colorOf(flat)
      if (color !== null) style[code === 38 ? 'fg' : 'bg'] = color
      if (parts.length === 0) at += used
    }
  }
  return Object.keys(style).length === 0 ? PLAIN : style
}

function colorOf([kind, ...values]: number[]): { color: number | null; used: number } {
  const isByte = (value: number | undefined): value is number => value !== undefined && value >= 0 && value <= 255
  const [a, b, c] = values
  if (kind === 5) return { color: isByte(a) ? a : null, used: 2 }
  if (kind !== 2) return { color: null, used: 0 }
  return { color: isByte(a) && isByte(b) && isByte(c) ? RGB + a * 65_536 + b * 256 + c : null, used: 4 }
}

/** The colour of xterm's table, or any, as CSS says it. */
export function cssColor(color: number): string {
  if (color >= RGB) return `#${(color - RGB).toString(16).padStart(6, '0')}`
  if (color >= 232)
    return `rgb(${Array(3)
      .fill(8 + (color - 232) * 10)
      .join(' ')})`
  const step = (part: number): number => (part === 0 ? 0 : 55 + part * 40)
  const cube = color - 16
  return `rgb(${step(Math.floor(cube / 36))} ${step(Math.floor(cube / 6) % 6)} ${step(cube % 6)})`
}
