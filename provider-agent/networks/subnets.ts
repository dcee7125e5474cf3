/**
 * Addresses for containers' networks once the engine has given out all of its own: Docker's default pools are good for
 * about 30 networks, and a large machine runs more jobs than that. From 198.18.0.0/15, which is set aside for tests of
 * network devices (RFC 2544), so that no LAN that the machine is in should use it. 16 addresses each, 8,192 networks.
 *
 * @param random At least 0, less than 1.
 */
export function pickSubnet(random: number): string {
  const index = Math.floor(random * 8_192)
  const second = 18 + (index >> 12)
  const third = (index >> 4) & 0xff
  const fourth = (index & 0xf) << 4
  return `198.${second}.${third}.${fourth}/28`
}
