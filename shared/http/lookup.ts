import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** The error of a name that resolves to an address that may not be called. */
function unsafeAddress(): NodeJS.ErrnoException {
  return Object.assign(new Error('The host has an address that is never called.'), { code: 'UNSAFE_ADDRESS' });
}

/**
 * Name resolution that refuses a name as soon as one of its addresses may not be called: a name that answers a public
 * and a private address in turn is not trusted for either.
 * @param inner the resolver asked; the operating system's by default
 */
export function guardedLookup(
  inner: LookupFunction | undefined,
  allowed: (address: string) => boolean,
): LookupFunction {
  const resolve = inner ?? (systemLookup as unknown as LookupFunction);
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = (Array.isArray(found) ? found : []) as { address: string; family: number }[];
      const [first] = addresses;
      if (!first || !addresses.every(({ address }) => allowed(address))) return callback(unsafeAddress(), '', 0);
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}
