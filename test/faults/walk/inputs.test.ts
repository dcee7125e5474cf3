import { FETCHING, inputWays } from './support/inputs.ts'
import { openWalkMarket } from './support/stage.ts'
import { walk } from './support/walk.ts'

walk('what jobs bring', async () => await openWalkMarket(FETCHING), inputWays)
