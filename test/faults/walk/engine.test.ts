import { ownEngineProblem } from '../support/own-engine.ts'
import { engineWays } from './support/engine.ts'
import { openWalkMarket } from './support/stage.ts'
import { walk } from './support/walk.ts'

walk('engines and owners', async () => await openWalkMarket(), engineWays(await ownEngineProblem()))
