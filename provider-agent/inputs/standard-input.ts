import { open, rm } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'

/**
 * Keeps bytes for a program that may take its time: in a file without a name, which is gone with this process.
 *
 * @param fill writes them into the file
 * @param connect opens where they are to go
 * @returns gives them all; answers whether they were passed on, which they are not where the program has ended before
 */
export async function keptInput(
  path: string,
  fill: (path: string) => Promise<void>,
  connect: () => Promise<Duplex>,
): Promise<(signal: AbortSignal) => Promise<boolean>> {
  await rm(path, { force: true })
  await fill(path)
  const file = await open(path, 'r')
  await rm(path)
  const to = await connect().catch(async (error: unknown) => {
    await file.close()
    throw error
  })
  return async (signal) => {
    to.resume()
    try {
      await pipeline(file.createReadStream(), to, { signal, end: false })
      to.end()
      await finished(to, { signal })
      return true
    } catch {
      return false
    } finally {
      to.destroy()
      await file.close().catch(() => undefined)
    }
  }
}
