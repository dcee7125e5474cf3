/** Whether an image may run: matched as it is written in the job, `*` in a pattern for any text. A denial wins. */
export function imageAllowed(image: string, rules: { allowImages: string[]; denyImages: string[] }): boolean {
  if (rules.denyImages.some((pattern) => matches(image, pattern))) return false
  return rules.allowImages.length === 0 || rules.allowImages.some((pattern) => matches(image, pattern))
}

/**
 * Whether an image that only this machine has may run: for those who are not its owner's where its name matches one of
 * these, and they do not name the bytes that a registry gives under it.
 */
export function localImageAllowed(
  { image, requester = '', digest }: { image: string; requester?: string; digest?: string },
  { allowLocalImages, ownRequesters }: { allowLocalImages: string[]; ownRequesters: string[] },
): boolean {
  if (ownRequesters.includes(requester)) return true
  return digest === undefined && allowLocalImages.some((pattern) => matches(image, pattern))
}

/** Walks the parts between the stars from left to right, so that no pattern takes more than linear time. */
function matches(image: string, pattern: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return image === head
  if (!image.startsWith(head) || image.length < head.length + tail.length || !image.endsWith(tail)) return false
  let at = head.length
  for (const part of rest) {
    const found = image.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= image.length - tail.length
}
