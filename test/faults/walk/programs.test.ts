import { after, before } from 'node:test'
import Docker from 'dockerode'
import { ensureEngine } from '../../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../../scripts/image.ts'
import { importOddPrograms } from '../../integration/support/odd-programs.ts'
import { BOASTERS, programWays } from './support/programs.ts'
import { openWalkMarket } from './support/stage.ts'
import { walk } from './support/walk.ts'

let odd: Awaited<ReturnType<typeof importOddPrograms>> | undefined

before(async () => {
  const engine = await ensureEngine()
  const docker = new Docker({ socketPath: engine.socketPath })
  odd = await importOddPrograms(docker, await ensureBusyboxImage(docker))
  await engine.stop()
})
after(async () => await odd?.remove())

walk(
  'programs and their limits',
  async () => await openWalkMarket(BOASTERS),
  programWays(() => odd?.image ?? ''),
)
