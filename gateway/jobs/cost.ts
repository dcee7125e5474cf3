export { currentCost } from '../../node/views/cost.ts'
