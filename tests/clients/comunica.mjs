// Asks a query of one address with Comunica, which finds out by itself what is there; one result a line, as JSON.
// With "by description", it takes an address for a SPARQL endpoint only when the address says so, whatever its name.
import {QueryEngine, QueryEngineFactory} from '@comunica/query-sparql';

const [address, query, how] = process.argv.slice(2);
const configPath = new URL('comunica-by-description.json', import.meta.url).pathname;
const engine = how ? await new QueryEngineFactory().create({configPath}) : new QueryEngine();
for await (const found of await engine.queryBindings(query, {sources: [address]})) {
  console.log(JSON.stringify(Object.fromEntries([...found].map(([variable, term]) => [variable.value, term.value]))));
}
