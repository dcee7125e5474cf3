import type { ClipboardEvent } from 'react'

/** Puts the selected lines on the clipboard one below the other, without numbers and times; of one line what is selected. */
export function copyLines(event: ClipboardEvent<HTMLElement>): void {
  const selection = getSelection()
  if (selection === null || selection.rangeCount === 0) return
  const selected = selection.getRangeAt(0)
  const lines = [...event.currentTarget.querySelectorAll('.log-text')].filter((line) => selected.intersectsNode(line))
  if (lines.length < 2) return
  const texts = lines.map((line) => {
    const own = document.createRange()
    own.selectNodeContents(line)
    if (line.contains(selected.startContainer)) own.setStart(selected.startContainer, selected.startOffset)
    if (line.contains(selected.endContainer)) own.setEnd(selected.endContainer, selected.endOffset)
    return own.toString()
  })
  event.clipboardData.setData('text/plain', texts.join('\n'))
  event.preventDefault()
}
