/** Headers of a stranger's bytes: a browser keeps them as a file, and shows nothing of them as a page of this gateway. */
export function attachmentHeaders(
  name: string,
  type: 'application/octet-stream' | 'application/x-tar',
): Record<string, string> {
  const exact = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  )
  return {
    'Content-Type': type,
    'Content-Disposition': `attachment; filename*=UTF-8''${exact}`,
    'Content-Security-Policy': 'sandbox',
  }
}
