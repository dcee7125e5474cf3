import { spawn } from 'node:child_process'
import { say } from './print.ts'

/** Opens a link in the browser of whoever sits here; says so where there is none. The link is to be printed as well. */
export function openInBrowser(url: string): void {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  spawn(opener, [url], { stdio: 'ignore', detached: true })
    .on('error', () => say('no browser could be opened; use the sign-in link'))
    .unref()
}
