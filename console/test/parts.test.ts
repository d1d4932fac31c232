import { describe, expect, test } from 'vitest';
import { ProblemError } from '../src/api/problem';
import type { Image, Problem } from '../src/api/types';
import { partBytes, sendParts, type PartLink } from '../src/images/parts';

const size = 2 * partBytes + 5;
const problem = (status: number, code: string) => new ProblemError({ type: '', title: '', status, detail: null, instance: null, code, requestId: null, errors: null, usedBy: null, reasons: null } satisfies Problem, null);

/** A file that is only as large as it says. */
const blob = (bytes: number) => ({ size: bytes, slice: (from: number, to: number) => ({ size: to - from }) }) as unknown as Blob;

/** Servers that keep what comes, unless one of the faults is next: then half of the part is kept. */
function servers(faults: unknown[], kept = 0) {
  const [asked, pauses, told]: [(string | null)[], number[], number[]] = [[], [], []];
  const state = { state: 'pending', receivedBytes: kept };
  const link: PartLink = {
    get: () => Promise.resolve(state),
    put: (part, range) => {
      asked.push(range);
      const fault = faults.shift();
      state.receivedBytes = Number(/\d+/.exec(range ?? '0')?.[0]) + (fault === undefined ? part.size : Math.floor(part.size / 2));
      if (fault !== undefined) return Promise.reject(fault);
      if (state.receivedBytes === size) state.state = 'available';
      return Promise.resolve({ ...state } as Image);
    },
    pause: (milliseconds) => Promise.resolve(void pauses.push(milliseconds)),
  };
  return { link, asked, pauses, told, progress: (sent: number) => told.push(sent), state };
}

const ranges = (...starts: [number, number][]) => starts.map(([from, to]) => `bytes ${from}-${to - 1}/${size}`);
const calm = new AbortController().signal;

describe('bytes of an image', () => {
  test('go in parts, and the last one makes it available', async () => {
    const { link, asked, progress, told } = servers([]);
    expect((await sendParts(blob(size), false, link, progress, calm)).state).toBe('available');
    expect(asked).toEqual(ranges([0, partBytes], [partBytes, 2 * partBytes], [2 * partBytes, size]));
    expect(told).toEqual([0, partBytes, 2 * partBytes]);
  });

  test('go on where a connection broke, a server was busy or did not answer', async () => {
    const { link, asked, pauses, progress } = servers([new TypeError('upload'), problem(409, 'image-busy'), problem(503, 'database-away')]);
    expect((await sendParts(blob(size), false, link, progress, calm)).state).toBe('available');
    const at = [0, partBytes / 2, partBytes, partBytes * 1.5];
    expect(asked).toEqual(ranges([at[0]!, partBytes], [at[1]!, at[1]! + partBytes], [at[2]!, at[2]! + partBytes], [at[3]!, size]));
    expect(pauses).toEqual([2000, 4000, 6000]);
  });

  test('of a second attempt with the same file are not sent again', async () => {
    const { link, asked, progress } = servers([], partBytes);
    await sendParts(blob(size), true, link, progress, calm);
    expect(asked).toEqual(ranges([partBytes, 2 * partBytes], [2 * partBytes, size]));
  });

  test('begin anew with another file', async () => {
    const { link, asked, progress } = servers([], partBytes);
    await sendParts(blob(size), false, link, progress, calm);
    expect(asked[0]).toBe(ranges([0, partBytes])[0]);
  });

  test('are not sent again when they were refused, or the person gave up', async () => {
    const refused = servers([problem(422, 'validation')]);
    await expect(sendParts(blob(size), false, refused.link, refused.progress, calm)).rejects.toBeInstanceOf(ProblemError);
    expect(refused.asked.length).toBe(1);
    const given = new AbortController();
    const left = servers([new TypeError('upload')]);
    given.abort();
    await expect(sendParts(blob(size), false, left.link, left.progress, given.signal)).rejects.toBeInstanceOf(TypeError);
    expect(left.asked.length).toBe(1);
  });

  test('are given up when nothing comes through for minutes', async () => {
    const { link, asked, pauses, progress } = servers(Array.from({ length: 20 }, () => new TypeError('upload')));
    await expect(sendParts(blob(size), false, link, progress, calm)).rejects.toBeInstanceOf(TypeError);
    expect(asked.length).toBe(12);
    expect(pauses.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(60_000);
  });
});
