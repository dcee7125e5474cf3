import { marketWays } from './support/market.ts'
import { openWalkMarket } from './support/stage.ts'
import { walk } from './support/walk.ts'

walk('between requesters and providers', async () => await openWalkMarket(), marketWays)
