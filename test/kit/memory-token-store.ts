import type { CredentialRecord, CredentialStore, TokenRecord, TokenStore } from '../../shared/auth/ports.ts';

/** Token items in memory; values are copied in and out, as a table would. */
export function memoryTokenStore(): TokenStore {
  const records = new Map<string, TokenRecord>();
  return {
    get: async (system) => structuredClone(records.get(system) ?? null),
    write: async (next, expectedEpoch) => {
      if ((records.get(next.system)?.epoch ?? 0) !== expectedEpoch) return 'lost';
      records.set(next.system, structuredClone(next));
      return 'written';
    },
  };
}

/** What systems said of their credentials, in memory. */
export function memoryCredentialStore(): CredentialStore {
  const records = new Map<string, CredentialRecord>();
  return {
    get: async (system) => structuredClone(records.get(system) ?? null),
    put: async (record) => void records.set(record.system, structuredClone(record)),
  };
}
