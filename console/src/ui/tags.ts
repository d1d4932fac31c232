import { violations, type Broken, type Violation } from './rules';

/** What an account notes of a resource, as a row of a form. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

export type Tags = Readonly<Record<string, string>>;

// The limits and rules are the server's, as in rules.ts.
export const tagsMax = 50;
const keyMax = 128;
const valueMax = 256;
const suggestedMax = 200;

export function tagRows(tags: Tags): Tag[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value })).sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function tagText({ key, value }: Tag): string {
  return `${key}=${value}`;
}

function checkKey(key: string): Broken {
  if (key === '') return { key: 'rule.required' };
  if (key.length > keyMax) return { key: 'rule.tooLong', values: { max: keyMax } };
  return key !== key.trim() || /[\p{Cc}=]/u.test(key) || !key.isWellFormed() ? { key: 'tags.keyCharacters' } : null;
}

function checkValue(value: string): Broken {
  if (value.length > valueMax) return { key: 'rule.tooLong', values: { max: valueMax } };
  return /\p{Cc}/u.test(value) || !value.isWellFormed() ? { key: 'tags.valueCharacters' } : null;
}

/** What is wrong with the rows of a form, at `tags[0].key`, `tags[0].value` and so on (or another field's); of two with one key the later. */
export function checkTags(rows: readonly Tag[], field = 'tags'): Violation[] {
  const keys = rows.map((row) => row.key);
  return [
    ...violations([field, rows.length > tagsMax ? { key: 'tags.tooMany', values: { max: tagsMax } } : null]),
    ...rows.flatMap(({ key, value }, at) => violations([`${field}[${at}].key`, checkKey(key) ?? (keys.indexOf(key) < at ? { key: 'tags.twice' } : null)], [`${field}[${at}].value`, checkValue(value)])),
  ];
}

/** The tags of a new resource. An object of entries takes any key, also those that objects have by themselves. */
export function tagsOf(rows: readonly Tag[]): Record<string, string> | null {
  return rows.length === 0 ? null : Object.fromEntries(rows.map(({ key, value }) => [key, value]));
}

/** Only what was changed: keys with their new values, and those that are gone with null; null if nothing was. */
export function tagChanges(rows: readonly Tag[], first: readonly Tag[]): Record<string, string | null> | null {
  const [now, before] = [rows, first].map((tags) => new Map(tags.map(({ key, value }) => [key, value]))) as [Map<string, string>, Map<string, string>];
  const gone = [...before.keys()].filter((key) => !now.has(key)).map((key) => [key, null] as const);
  const set = [...now].filter(([key, value]) => before.get(key) !== value);
  return gone.length + set.length === 0 ? null : Object.fromEntries([...gone, ...set]);
}

/** What a list is filtered by: a key, or a key with its value, in which blanks count. Null: nothing is asked. */
export function askedTag(text: string): string | null {
  const asked = text.includes('=') ? text.trimStart() : text.trim();
  return asked === '' || asked.startsWith('=') ? null : asked;
}

/** What can be asked for of what is seen, without what is asked already. */
export function suggestedTags(seen: readonly Tags[], asked: readonly string[]): string[] {
  const all = new Set(seen.flatMap((tags) => tagRows(tags).flatMap((tag) => [tag.key, tagText(tag)])));
  return [...all].filter((text) => !asked.includes(text)).sort().slice(0, suggestedMax);
}

/** The parameter `tag`, which may be given several times: its type in the API's document tells of one. */
export function tagQuery(asked: readonly string[] | undefined): { tag?: string } {
  return asked === undefined || asked.length === 0 ? {} : { tag: asked as unknown as string };
}
