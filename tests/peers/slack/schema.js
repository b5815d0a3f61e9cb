// schema.js - strict schemas out of Slack's own types: what a payload may have in it, and nothing else.
// SPDX-License-Identifier: Apache-2.0

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync }
	from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const source = here('payload.ts');
const kept = here('node_modules/.cache/bellhop-schemas.json');
const ajv = new Ajv({ strict: false });
const compiled = new Map();
let schemas;

function here(name) {
	return fileURLToPath(new URL(name, import.meta.url));
}

// Made once from the types, and kept beside the packages.  What an app sends
// (The...) may have nothing but what the types name; what Slack sends (From...)
// has more than Bolt knows.
function make() {
	const types = [...readFileSync(source, 'utf8')
		.matchAll(/^export (?:type|interface) (\w+)/gm)].map((m) => m[1]);
	const made = {};
	for (const prefix of ['The', 'From']) {
		const generator = createGenerator({ path: source, type: '*',
			expose: 'all', skipTypeCheck: true, jsDoc: 'none',
			additionalProperties: prefix === 'From' });
		for (const type of types.filter((t) => t.startsWith(prefix)))
			made[type] = generator.createSchema(type);
	}
	mkdirSync(here('node_modules/.cache'), { recursive: true });
	writeFileSync(kept, JSON.stringify(made));
	return made;
}

function load() {
	const made = existsSync(kept) ? statSync(kept).mtimeMs : 0;
	const schemas = [source, here('schema.js'), here('package-lock.json')]
		.every((file) => statSync(file).mtimeMs < made) ?
		JSON.parse(readFileSync(kept, 'utf8')) : make();
	// `Block` stands in the types for blocks that they do not know: anything.
	for (const { definitions } of Object.values(schemas))
		if (definitions.Block !== undefined)
			definitions.Block = { not: {} };
	return schemas;
}

function validator(type, definition = type) {
	schemas ??= load();
	const name = `${type} ${definition}`;
	if (!compiled.has(name)) {
		if (schemas[type]?.definitions[definition] === undefined)
			throw new Error(`no type ${name}`);
		compiled.set(name, ajv.compile({ ...schemas[type],
			$ref: `#/definitions/${definition}` }));
	}
	return compiled.get(name);
}

function sentence({ errors }, where = '') {
	const [e] = errors;
	const what = Object.values(e.params).join();
	return `${where}${e.instancePath} ${e.message} (${what})`;
}

// Which definitions are for objects that say `"type": word`?
function definitions(type, word) {
	return Object.entries(schemas[type].definitions).filter(([, d]) =>
		d.properties?.type?.const === word).map(([name]) => name);
}

// Everything that names its type, the innermost first.
function* parts(value) {
	if (value === null || typeof value !== 'object')
		return;
	for (const child of Object.values(value))
		yield* parts(child);
	if (typeof value.type === 'string')
		yield value;
}

// Everything that may be asked for, made ready.
export function prepare() {
	schemas ??= load();
	for (const type of Object.keys(schemas))
		validator(type);
}

// What is wrong with it, the closest that can be said; [] if nothing is.
export function misfit(value, type) {
	const fits = validator(type);
	if (fits(value))
		return [];
	for (const part of parts(value)) {
		const candidates = definitions(type, part.type)
			.map((name) => validator(type, name));
		if (candidates.length > 0 && !candidates.some((fit) => fit(part))) {
			candidates[0](part);
			return [`${part.type}: ${sentence(candidates[0])}`];
		}
	}
	fits(value);
	return [`${type}: ${sentence(fits)}`];
}
