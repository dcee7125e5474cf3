import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createBirpc } from 'birpc'
import type { MarketFunctions, SellersFunctions } from './sellers-program.ts'

const PROGRAM = join(import.meta.dirname, 'sellers-program.ts')

export interface Sellers extends AsyncDisposable {
  sell: (bootstrap: string[], providers: number) => Promise<string[]>
  look: () => Promise<ReturnType<SellersFunctions['look']>>
}

/** A process that sellers can be added to. Disposing of it ends them, without a goodbye. */
export function startSellers(market: MarketFunctions): Sellers {
  const child = fork(PROGRAM, { serialization: 'advanced' })
  const { sell, look } = createBirpc<SellersFunctions, MarketFunctions>(market, {
    post: (data) => child.send(data),
    on: (listen) => child.on('message', listen),
    timeout: -1,
  })
  return {
    ...{ sell, look },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
