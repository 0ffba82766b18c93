import { generateKeyPairSync, sign } from 'node:crypto';

/**
 * A key and a certificate that vouches for itself, made on the spot: Node writes no certificates, and a key kept in
 * the repository would be found by every scanner. DER by hand: a certificate is six nested lists.
 */
export function selfSigned(host: string): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid('550403'), der(0x0c, Buffer.from(host)))));
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const validity = sequence(time('20200101000000Z'), time('20991231235959Z'));
  const subjectKey = publicKey.export({ type: 'spki', format: 'der' });
  const certified = sequence(der(0x02, Buffer.from([1])), ecdsaWithSha256, name, validity, name, subjectKey);
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', certified, privateKey)]);
  const certificate = sequence(certified, ecdsaWithSha256, der(0x03, signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function set(part: Buffer): Buffer {
  return der(0x31, part);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function time(generalised: string): Buffer {
  return der(0x18, Buffer.from(generalised));
}
