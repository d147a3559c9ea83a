import { createSecureContext, type SecureContext } from 'node:tls';
import { z } from 'zod';

/** How this end shows who it is, and knows the other: `MoveCredentials`. */
const credentials = z.object({ certificate: z.string(), key: z.string(), authority: z.string(), peer: z.string() });
export type Credentials = z.infer<typeof credentials>;

/** What the worker says to the guard of a guest that is to come, and of one that is to go. */
export const arrivalOrder = z.object({ host: z.string(), credentials: credentials.optional() });
export const departureOrder = arrivalOrder.extend({ port: z.int(), bytesPerSecond: z.number().positive() });
export type DepartureOrder = z.infer<typeof departureOrder>;

/** On the wire: the length of the state in so many bytes, the state, and one byte that lets it be the guest. */
export const lengthBytes = 8;

/** The authority is a node's certificate: trusted as it is, whoever has signed it. */
export function tlsContextOf({ certificate, key, authority }: Credentials): SecureContext {
  return createSecureContext({
    cert: certificate,
    key,
    ca: authority,
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.3',
  });
}
