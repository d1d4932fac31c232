import { createQuerySerializer } from 'openapi-fetch';
import { describe, expect, test } from 'vitest';
import { tagLine } from '../src/ui/TagList';
import { askedTag, checkTags, suggestedTags, tagChanges, tagQuery, tagRows, tagsMax, tagsOf } from '../src/ui/tags';

const broken = (key: string, value = 'x') => checkTags([{ key, value }]).map((v) => `${v.field} ${v.key}`);

describe('tags', () => {
  test('are shown by their keys in order', () => {
    expect(tagRows({ team: 'web', 10: 'ten', env: '本番' })).toEqual([{ key: '10', value: 'ten' }, { key: 'env', value: '本番' }, { key: 'team', value: 'web' }]);
    expect([tagLine({ team: 'web', env: '' }), tagLine({})]).toEqual(['env=, team=web', '-']);
  });

  test('have the rules of the server', () => {
    for (const key of ['a', 'k'.repeat(128), '環境', 'a b', 'a/b:c', 'name', '__proto__']) expect(broken(key)).toEqual([]);
    expect(['', 'k'.repeat(129), 'a=b', ' a', 'a ', 'a\n', 'a\u0001b', '\ud800'].map((key) => broken(key))).toEqual([
      ['tags[0].key rule.required'], ['tags[0].key rule.tooLong'], ...Array.from({ length: 6 }, () => ['tags[0].key tags.keyCharacters']),
    ]);
    for (const value of ['', ' ', 'a=b', 'v'.repeat(256), '本番']) expect(broken('a', value)).toEqual([]);
    expect([broken('a', 'v'.repeat(257)), broken('a', 'x\u0001'), broken('a', '\udc00')]).toEqual([['tags[0].value rule.tooLong'], ['tags[0].value tags.valueCharacters'], ['tags[0].value tags.valueCharacters']]);
    const many = (count: number) => checkTags(Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: '' }))).map((v) => v.field);
    expect([many(tagsMax), many(tagsMax + 1)]).toEqual([[], ['tags']]);
  });

  test('of two with one key the later is wrong', () => {
    expect(checkTags(['a', 'A', 'b', 'a'].map((key) => ({ key, value: '' })))).toEqual([{ field: 'tags[3].key', key: 'tags.twice' }]);
  });

  test('of a new resource are left out if there are none, and may have any key', () => {
    expect(tagsOf([])).toBeNull();
    expect(JSON.stringify(tagsOf([{ key: '__proto__', value: 'x' }, { key: 'constructor', value: '' }]))).toBe('{"__proto__":"x","constructor":""}');
  });

  test('are changed in what was changed', () => {
    const first = tagRows({ env: 'test', team: 'web', old: '' });
    expect([tagChanges(first, first), tagChanges([...first].reverse(), first), tagChanges([], [])]).toEqual([null, null, null]);
    expect(tagChanges([{ key: 'env', value: 'production' }, { key: 'group', value: 'web' }, { key: 'old', value: '' }, { key: 'toString', value: '' }], first)).toEqual({ team: null, env: 'production', group: 'web', toString: '' });
    expect(tagChanges([], first)).toEqual({ env: null, old: null, team: null });
  });

  test('are asked for by a key, or by a key and its value, each in a parameter of its own', () => {
    expect(['', '  ', '=x', ' env ', 'env=', ' env=a b ', 'a=b=c'].map(askedTag)).toEqual([null, null, null, 'env', 'env=', 'env=a b ', 'a=b=c']);
    expect([tagQuery(undefined), tagQuery([])]).toEqual([{}, {}]);
    expect(createQuerySerializer()({ limit: 50, ...tagQuery(['env=a&b', 'team']) })).toBe('limit=50&tag=env%3Da%26b&tag=team');
  });

  test('are suggested from what is seen, but not twice', () => {
    expect(suggestedTags([{ env: 'test' }, { env: 'production', team: 'web' }, { env: 'test' }, {}], ['env'])).toEqual(['env=production', 'env=test', 'team', 'team=web']);
  });
});
