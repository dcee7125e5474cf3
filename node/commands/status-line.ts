import { styleText } from 'node:util'
import ora, { type Ora } from 'ora'
import { escapeText } from '../../protocol/text.ts'
import { shownBytes } from '../../protocol/units.ts'

/** What a command that waits tells meanwhile; see {@link statusLine}. */
export interface StatusLine {
  /** Says what is going on now. */
  now(text: string): void
  /**
   * Says how far something is: a bar where that is a terminal, else a line each {@link PROGRESS_EVERY_MS}, none of what is over
   * before that.
   *
   * @param done bytes @param total bytes; null where it is not known
   */
  progress(what: string, done: number, total: number | null): void
  /** Says what happened, with the time since the start; stays. */
  done(text: string): void
  /** Takes the spinner away; lines that were said stay. */
  stop(): void
}

/** How often a line says how far something is, where there is no terminal; in ms. */
export const PROGRESS_EVERY_MS = 10_000
const BAR_CELLS = 20

/** State changes on stderr, with a spinner where that is a terminal. @param nowMs a clock that only goes forward, in ms */
export function statusLine(
  stream: NodeJS.WriteStream = process.stderr,
  nowMs: () => number = () => performance.now(),
): StatusLine {
  const started = nowMs()
  let progressing = { what: '', saidMs: 0 }
  const plain = (process.env.NO_COLOR ?? '') !== ''
  const spinner: Ora | null = stream.isTTY
    ? ora({ stream, discardStdin: false, ...(plain ? { color: false } : {}) })
    : null
  const at = (): string => `${((nowMs() - started) / 1000).toFixed(1)} s`.padStart(7)
  function done(text: string): void {
    const line = `${styleText('dim', at(), { stream })}  ${escapeText(text)}\n`
    spinner?.stop()
    stream.write(line)
  }

  return {
    now(text) {
      spinner?.start(escapeText(text))
    },
    progress(what, bytes, total) {
      const text = `${what} (${progressText(bytes, total)})`
      if (spinner !== null) {
        spinner.start(escapeText(total === null ? text : `${bar(bytes, total)} ${text}`))
        return
      }
      if (progressing.what !== what) progressing = { what, saidMs: nowMs() }
      if (nowMs() - progressing.saidMs < PROGRESS_EVERY_MS) return
      progressing.saidMs = nowMs()
      done(text)
    },
    done,
    stop() {
      spinner?.stop()
    },
  }
}

function progressText(bytes: number, total: number | null): string {
  return total === null ? shownBytes(bytes) : `${shownBytes(bytes)} of ${shownBytes(total)}`
}

/** Of a fixed width, in ASCII. */
function bar(bytes: number, total: number): string {
  const share = total <= 0 ? 1 : Math.min(1, bytes / total)
  const cells = Math.floor(share * BAR_CELLS)
  return `[${'='.repeat(cells)}${' '.repeat(BAR_CELLS - cells)}] ${String(Math.floor(100 * share)).padStart(3)}%`
}
