/** Words that a job says of its isolation; see `protocol/isolation.ts`. */
export { describeIsolation, ISOLATIONS, type Isolation } from '../../protocol/isolation.ts'
