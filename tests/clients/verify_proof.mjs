// An independent verifier: fetches a record as JSON-LD and the key of its node, and checks the proof.
// Prints "verified <sha256 of the canonical graph>", or fails with the reason.
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import jsonld from 'jsonld';
import rdfCanonize from 'rdf-canonize';
import jsigs from 'jsonld-signatures';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import dataIntegrityContext from '@digitalbazaar/data-integrity-context';
import multikeyContext from '@digitalbazaar/multikey-context';

const SEC = 'https://w3id.org/security#';
const contexts = new Map([
  [dataIntegrityContext.constants.CONTEXT_URL, dataIntegrityContext.contexts.get(dataIntegrityContext.constants.CONTEXT_URL)],
  [multikeyContext.constants.CONTEXT_URL, multikeyContext.contexts.get(multikeyContext.constants.CONTEXT_URL)],
]);

async function fetchJson(url) {
  const response = await fetch(url, {headers: {accept: 'application/ld+json'}});
  if(!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.json();
}

// The key and its controller, as the node's own description states them.
async function describeKey(url) {
  const node = await jsonld.expand(await fetchJson(url.split('#')[0]), {documentLoader});
  const subjects = node.flatMap(each => each['@graph'] ?? [each]);
  const key = subjects.find(each => each['@id'] === url);
  const controller = key[SEC + 'controller'][0]['@id'];
  const owner = subjects.find(each => each['@id'] === controller);
  const listed = owner[SEC + 'assertionMethod'].map(each => each['@id']);
  return {
    key: {'@context': multikeyContext.constants.CONTEXT_URL, id: url, type: 'Multikey', controller,
      publicKeyMultibase: key[SEC + 'publicKeyMultibase'][0]['@value']},
    controller: {'@context': 'https://w3id.org/security/v2', id: controller, assertionMethod: listed},
  };
}

async function documentLoader(url) {
  if(contexts.has(url)) return {documentUrl: url, document: contexts.get(url)};
  if(url.includes('#')) return {documentUrl: url, document: (await describeKey(url)).key};
  throw new Error(`${url} is not to be fetched`);
}

const [file, forged] = process.argv.slice(2);
const document = file.startsWith('http') ? await fetchJson(file) : JSON.parse(readFileSync(file, 'utf8'));
if(forged) document['@graph'][0]['http://purl.org/dc/terms/title'] = [{'@value': forged, '@language': 'fr'}];
const {controller} = await describeKey(document.proof.verificationMethod);
const purpose = new jsigs.purposes.AssertionProofPurpose({controller});
const suite = new DataIntegrityProof({cryptosuite});
const result = await jsigs.verify(document, {suite, purpose, documentLoader});
if(!result.verified) {
  console.error(JSON.stringify(result.error?.errors?.map(String) ?? String(result.error)));
  process.exit(1);
}
const {proof, ...unsigned} = document;
const dataset = await jsonld.toRDF(unsigned, {documentLoader, safe: true});
const canonical = await rdfCanonize.canonize(dataset, {algorithm: 'RDFC-1.0'});
console.log('verified ' + createHash('sha256').update(canonical).digest('hex'));
