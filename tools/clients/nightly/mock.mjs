// Asks a mock server, which knows nothing but the API document, for every example of every answer, by the examples of requests.
// Prism with `--errors` answers 500 where it finds an example that its schema does not accept.
// The arguments are the document and where the server is.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const [path, server] = process.argv.slice(2);
const api = JSON.parse(readFileSync(path, "utf8"));
const PROBLEM = "application/problem+json";
// Of parameters that say no more than that they are an id.
const ID = "019ae3c1-8f5b-7a0e-9c52-6d1f0a7b3e48";

function resolved(value) {
  if (value?.$ref === undefined) return value;
  const steps = value.$ref.split("/").slice(1);
  return resolved(steps.reduce((inner, step) => inner[step.replaceAll("~1", "/").replaceAll("~0", "~")], api));
}

/** A request made of what the document shows. */
function request(template, operation) {
  const headers = { authorization: "Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl" };
  const query = new URLSearchParams();
  let path = template;
  for (const parameter of operation.parameters ?? []) {
    const value = parameter.example ?? (parameter.required ? ID : undefined);
    if (value === undefined) continue;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    if (parameter.in === "query") query.set(parameter.name, value);
    if (parameter.in === "header") headers[parameter.name] = value;
  }
  const [[type, content] = []] = Object.entries(operation.requestBody?.content ?? {});
  if (type !== undefined) headers["content-type"] = type;
  return { url: `${server}${path}?${query}`, headers, body: content && JSON.stringify(content.example) };
}

/** What the document shows of an answer: by its media type and, where there are several, by its name. */
function shown({ content = {} }) {
  // Prism takes a problem for the other JSON of an answer that has both, as that of `GET /health`.
  const types = Object.entries(content).filter(([type]) => type !== PROBLEM || content["application/json"] === undefined);
  const each = types.flatMap(([type, { example, examples }]) => {
    const named = Object.entries(examples ?? {}).map(([name, of]) => ({ type, name, value: resolved(of).value }));
    return examples === undefined ? [{ type, value: example }] : named;
  });
  return each.length === 0 ? [{}] : each;
}

/** What is wrong with an answer. */
async function asked(method, { url, headers, body }, status, answer, { type, name, value }) {
  const prefer = `code=${status}${name === undefined ? "" : `, example=${name}`}`;
  const accept = type === undefined ? {} : { accept: type };
  const got = await fetch(url, { method, body, headers: { ...headers, ...accept, prefer }, redirect: "manual" });
  const text = await got.text();
  if (got.status !== Number(status)) return [`${got.status} ${text}`];
  const described = Object.entries(answer.headers ?? {}).filter(([, header]) => resolved(header).required);
  const missing = described.filter(([header]) => !got.headers.has(header)).map(([header]) => `${header} is missing`);
  if (value === undefined) return missing;
  const other = got.headers.get("content-type") === type ? [] : [`it came as ${got.headers.get("content-type")}`];
  const same = isDeepStrictEqual(typeof value === "string" ? text : JSON.parse(text), value);
  return [...missing, ...other, ...(same ? [] : [`${text} is not what is shown`])];
}

let times = 0;
const complaints = [];
for (const [template, item] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    for (const [status, either] of Object.entries(operation.responses)) {
      const answer = resolved(either);
      for (const example of shown(answer)) {
        const wrong = await asked(method.toUpperCase(), request(template, operation), status, answer, example);
        const which = example.name ?? example.type ?? "";
        complaints.push(...wrong.map((what) => `${method.toUpperCase()} ${template} ${status} ${which}: ${what}`));
        times += 1;
      }
    }
  }
}
assert.ok(times > 300, `the document shows no more than ${times} answers`);
assert.deepEqual(complaints, []);
console.log(`A mock server serves all ${times} answers that the document shows, and each is as its schema says.`);
