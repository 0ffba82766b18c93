import { BlockList, isIP } from 'node:net';

/** Whether a socket's address is this machine's loopback: 127.0.0.0/8, ::1, or the former inside IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  // BlockList knows that ::ffff:127.0.0.1 is 127.0.0.1.
  return loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether a URL's or a Host header's host, with or without a port, means this machine. */
export function isLoopbackHost(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '');
  return name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(name);
}

/** Whether an http address can only be reached from this machine. */
export function isLoopbackUrl(address: string): boolean {
  const parsed = URL.parse(address);
  return parsed !== null && isLoopbackHost(parsed.host);
}
