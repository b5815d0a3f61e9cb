// check.js - what is wrong with an activity or a card, by Microsoft's own packages and by Teams' limits.
// SPDX-License-Identifier: Apache-2.0
//
// Four judges: the types that Microsoft ships for cards, as a strict schema;
// the parser and renderer's serialiser, told to speak version 1.5; the parser
// of activities; and the limits that no package knows.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';
import adaptiveCards from 'adaptivecards/dist/adaptivecards.js';
import { Activity } from '@microsoft/agents-activity';

export const cardType = 'application/vnd.microsoft.card.adaptive';
const { AdaptiveCard, SerializationContext, Versions } =
	adaptiveCards;

// What version 1.5 has, as far as Teams shows it; and Data.Query, which Teams
// takes although version 1.6 brought it.
const elements = new Set(['AdaptiveCard', 'TextBlock', 'RichTextBlock',
	'TextRun', 'Image', 'ActionSet', 'Container', 'ColumnSet', 'Column',
	'FactSet', 'ImageSet', 'Table', 'TableRow', 'TableCell', 'Input.Text',
	'Input.Number', 'Input.Date', 'Input.Time', 'Input.Toggle',
	'Input.ChoiceSet', 'Data.Query', 'Action.Execute', 'Action.OpenUrl',
	'Action.Submit', 'Action.ShowCard', 'Action.ToggleVisibility']);

function here(name) {
	return fileURLToPath(new URL(name, import.meta.url));
}

// The schema is made once and kept beside the packages it was made from.
function strictSchema() {
	const kept = here('node_modules/.cache/bellhop-card.json');
	if (existsSync(kept))
		return JSON.parse(readFileSync(kept, 'utf8'));
	const schema = createGenerator({ path: here('card.ts'), type: 'Card',
		expose: 'all', skipTypeCheck: true, additionalProperties: false })
		.createSchema('Card');
	mkdirSync(here('node_modules/.cache'), { recursive: true });
	writeFileSync(kept, JSON.stringify(schema));
	return schema;
}

// Cards are blind to case where they have a list of words.
function blind(schema) {
	if (Array.isArray(schema))
		return schema.map(blind);
	if (schema === null || typeof schema !== 'object')
		return schema;
	const { enum: list, const: one, ...rest } = schema;
	const words = list ?? (one === undefined ? undefined : [one]);
	const copy = Object.fromEntries(Object.entries(rest).map(([k, v]) =>
		[k, blind(v)]));
	if (words?.every((w) => typeof w === 'string') && words.length < 100)
		copy.anyCase = words.map((w) => w.toLowerCase());
	else if (words)
		copy.enum = words;
	return copy;
}

let strict;

function strictly(card) {
	if (strict === undefined) {
		const ajv = new Ajv({ strict: false, allErrors: false });
		ajv.addKeyword({ keyword: 'anyCase', type: 'string',
			validate: (words, data) => words.includes(data.toLowerCase()) });
		const schema = blind(strictSchema());
		ajv.addSchema(schema, 'card');
		strict = (value) => {
			const type = `I${value.type}`;
			const name = { 'Action.Execute': 'IExecuteAction',
				'Action.Submit': 'ISubmitAction',
				'Action.OpenUrl': 'IOpenUrlAction',
				'Action.ShowCard': 'IShowCardAction',
				'Action.ToggleVisibility': 'IToggleVisibilityAction',
				'Input.Text': 'ITextInput', 'Input.Number': 'INumberInput',
				'Input.Date': 'IDateInput', 'Input.Time': 'ITimeInput',
				'Input.Toggle': 'IToggleInput', 'Data.Query': 'IQueryData',
				'Input.ChoiceSet': 'IChoiceSetInput' }[value.type] ?? type;
			if (schema.definitions[name] === undefined)
				return [`no schema for ${value.type}`];
			const judge = ajv.getSchema(`card#/definitions/${name}`);
			return judge(value) ? [] : judge.errors.map((e) =>
				`${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
		};
	}
	return strict(card);
}

// Everything with a type, and the card itself; deepest first, so that the
// first complaint is the closest to what is wrong.
function* parts(value) {
	if (Array.isArray(value)) {
		for (const v of value)
			yield* parts(v);
	} else if (value !== null && typeof value === 'object') {
		for (const [name, v] of Object.entries(value))
			if (name !== 'data')	// ours to fill as we like
				yield* parts(v);
		if (typeof value.type === 'string')
			yield value;
	}
}

// What the parser says, and what it did not understand and so left out.
function parse(card, bad) {
	const context = new SerializationContext(Versions.v1_6);
	const parsed = new AdaptiveCard();
	parsed.parse(structuredClone(card), context);
	for (let i = 0; i < context.eventCount; i++)
		bad.push(`parser: ${context.getEventAt(i).message}`);
	const written = parsed.toJSON(context) ?? {};
	const kept = new Set([...parts(written)].map((p) => p.id)
		.filter((id) => id !== undefined));
	for (const part of parts(card))
		if (part.id !== undefined && !kept.has(part.id))
			bad.push(`parser: left out ${part.type} "${part.id}"`);
}

function limits(card, bad) {
	const size = JSON.stringify(card).length * 2;
	const all = [...parts(card)];
	if (size > 28 * 1024)
		bad.push(`${size} bytes in UTF-16: over 28 KB`);
	if (card.version !== '1.5')
		bad.push(`version ${card.version}: Teams draws 1.5`);
	if (!card.fallbackText && !card.body?.length)
		bad.push('an empty card');
	for (const part of all) {
		if (!elements.has(part.type) && part.type !== 'mention')
			bad.push(`${part.type} is not of version 1.5`);
		const shown = part.actions?.filter((a) => a.mode !== 'secondary');
		if (shown?.length > 6)
			bad.push(`${shown.length} actions: Teams shows 6`);
		if (part.refresh && (!Array.isArray(part.refresh.userIds) ||
		    part.refresh.userIds.length > 60))
			bad.push('refresh: names 0 to 60 people, or all would refresh');
	}
	const inputs = all.filter((p) => p.type.startsWith('Input.'));
	const ids = inputs.map((p) => p.id);
	if (ids.some((id) => !id) || new Set(ids).size !== ids.length)
		bad.push('inputs need ids, each its own');
	for (const p of inputs) {
		if (!p.label)
			bad.push(`input ${p.id}: no label`);
		if (p.isRequired && !p.errorMessage)
			bad.push(`input ${p.id}: required, but says nothing when empty`);
	}
	for (const p of all.filter((a) => a.type.startsWith('Action.'))) {
		if (p.type !== 'Action.OpenUrl' && p.type !== 'Action.ShowCard' &&
		    p.data !== undefined && (typeof p.data !== 'object'))
			bad.push('the data of an action is an object, or inputs are lost');
		if (p.type === 'Action.Execute' && !p.verb)
			bad.push(`action ${p.title}: no verb`);
		if (p.type === 'Action.OpenUrl' && !/^https:/.test(p.url))
			bad.push(`action ${p.title}: opens ${p.url}`);
	}
}

export function cardComplaints(card) {
	const bad = [];
	if (card === null || typeof card !== 'object' ||
	    card.type !== 'AdaptiveCard')
		return ['is no Adaptive Card'];
	for (const part of parts(card)) {
		if (!elements.has(part.type))
			continue;
		const wrong = strictly(part);
		if (wrong.length > 0) {
			bad.push(`schema: ${part.type} ${part.id ?? ''}: ${wrong[0]}`);
			break;
		}
	}
	parse(card, bad);
	limits(card, bad);
	return bad;
}

// An activity on its way to the connector.
export function activityComplaints(activity) {
	const bad = [];
	try {
		Activity.fromObject(structuredClone(activity));
	} catch (error) {
		bad.push(`agents-activity: ${error.message}`);
	}
	const size = JSON.stringify(activity).length * 2;
	if (size > 28 * 1024)
		bad.push(`${size} bytes in UTF-16: over 28 KB`);
	if (activity.type === 'message') {
		if (activity.text && activity.attachments?.length)
			bad.push('text and card in one: Teams makes two messages of it');
		if (!activity.text && !activity.attachments?.length)
			bad.push('an empty message');
		for (const entity of activity.entities ?? [])
			if (entity.type === 'mention' &&
			    !activity.text?.includes(entity.text))
				bad.push(`mention ${entity.text} is not in the text`);
	}
	for (const { contentType, content } of activity.attachments ?? [])
		if (contentType === cardType)
			bad.push(...cardComplaints(content));
		else
			bad.push(`attachment of type ${contentType}`);
	return bad;
}

// What an invoke was answered.
export function invokeComplaints(name, body) {
	if (body === undefined || body === null || body === '')
		return [];
	const card = {
		'adaptiveCard/action': () => {
			const { statusCode, type, value } = body;
			if (statusCode === 200 && type === cardType)
				return value;
			if (statusCode === 200 && typeof value === 'string' &&
			    type === 'application/vnd.microsoft.activity.message')
				return null;
			if ([400, 500].includes(statusCode) && value?.code &&
			    value.message && type === 'application/vnd.microsoft.error')
				return null;
			return undefined;
		},
		'task/fetch': () => task(body.task),
		'task/submit': () => task(body.task),
		'composeExtension/fetchTask': () => task(body.task),
		'composeExtension/submitAction': () => body.task ? task(body.task) :
			extension(body.composeExtension),
		'composeExtension/query': () => extension(body.composeExtension),
		'application/search': () => body.type ===
			'application/vnd.microsoft.search.searchResponse' &&
			Array.isArray(body.value?.results) && body.value.results.every((r) =>
			typeof r.title === 'string' && typeof r.value === 'string') ?
			null : undefined,
	}[name]?.();
	if (card === undefined)
		return [`no answer to ${name}: ${JSON.stringify(body).slice(0, 300)}`];
	return card === null ? [] : [card].flat().flatMap(cardComplaints);
}

function task(value) {
	if (value?.type === 'message' && typeof value.value === 'string')
		return null;
	if (value?.type === 'continue' && value.value?.title &&
	    value.value.card?.contentType === cardType)
		return value.value.card.content;
	return undefined;
}

function extension(value) {
	if (value?.type === 'message' && typeof value.text === 'string')
		return null;
	if (value?.type === 'result' && Array.isArray(value.attachments))
		return value.attachments.map((a) => a.content);
	return undefined;
}

