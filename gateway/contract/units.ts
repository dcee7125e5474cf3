/** Amounts as people write them. */
export { parseBytes } from '../../protocol/units.ts'
