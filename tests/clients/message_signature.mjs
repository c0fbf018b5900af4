// An independent implementation of RFC 9421. Reads a request as JSON from a file:
//   verify FILE JWK     prints "verified", or fails
//   sign FILE JWK KEYID prints the request with its signature
import {createPrivateKey, createPublicKey} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {createSigner, createVerifier, httpbis} from 'http-message-signatures';

const FIELDS = ['@method', '@target-uri', 'content-type', 'content-digest'];
const [task, file, jwk, keyid] = process.argv.slice(2);
const request = JSON.parse(readFileSync(file, 'utf8'));

if(task === 'verify') {
  const key = createPublicKey({key: JSON.parse(jwk), format: 'jwk'});
  const verified = await httpbis.verifyMessage({
    keyLookup: async parameters => ({id: parameters.keyid, algs: ['ed25519'], verify: createVerifier(key, 'ed25519')}),
    requiredFields: FIELDS,
    requiredParams: ['created', 'expires', 'keyid', 'nonce', 'tag'],
  }, request);
  if(!verified) throw new Error('not verified');
  console.log('verified');
} else {
  const key = createSigner(createPrivateKey({key: JSON.parse(jwk), format: 'jwk'}), 'ed25519', keyid);
  const created = new Date();
  const signed = await httpbis.signMessage({
    key, fields: FIELDS, params: ['created', 'expires', 'keyid', 'alg', 'nonce', 'tag'],
    paramValues: {created, expires: new Date(created.getTime() + 120000), nonce: crypto.randomUUID(), tag: 'chm-federation'},
  }, request);
  console.log(JSON.stringify(signed));
}
