export { shownName } from '../../protocol/text.ts'
