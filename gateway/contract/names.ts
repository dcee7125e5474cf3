export { escapeText, shownName } from '../../protocol/text.ts'
