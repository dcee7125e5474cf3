/** Under which an owner's own dealings with a provider are kept, beside those of all. No peer id has a space. */
export function ownerKey(provider: string, owner: string): string {
  return `${provider} ${owner}`
}
