import { generateKeyPairSync, sign } from 'node:crypto';

/** A key and a certificate for 127.0.0.1 and {@link testHost} that signs itself, made fresh: nothing of the kind is kept in the repository. */
export type SelfSigned = { readonly key: string; readonly cert: string };

/** A name that the certificate is also for. */
export const testHost = 'api.example.test';

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const size = body.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const seq = (...parts: Uint8Array[]) => tlv(0x30, ...parts);
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = seq(oid('2a8648ce3d040302'));

/**
 * Makes one. @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 * @param nowMs the certificate is valid from a day before to a day after
 */
export function selfSigned(nowMs: number): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = seq(tlv(0x31, seq(oid('550403'), tlv(0x0c, Buffer.from('loopback')))));
  const time = (ms: number) =>
    tlv(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
  const altNames = seq(tlv(0x87, Buffer.from([127, 0, 0, 1])), tlv(0x82, Buffer.from(testHost)));
  const extension = seq(oid('551d11'), tlv(0x04, altNames));
  const isAuthority = seq(oid('551d13'), tlv(0x01, Buffer.from([255])), tlv(0x04, seq(tlv(0x01, Buffer.from([255])))));
  const body = seq(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    seq(time(nowMs - 86_400_000), time(nowMs + 86_400_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, seq(extension, isAuthority)),
  );
  const signature = tlv(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const der = seq(body, ecdsaWithSha256, signature);
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}
