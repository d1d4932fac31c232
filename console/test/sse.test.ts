import { describe, expect, test } from 'vitest';
import { SseParser } from '../src/api/sse';

const stream = ': hello\n\nid: ev-1\nevent: event\ndata: {"a":1}\n\n: ping\n\nid: ev-2\nevent: event\ndata: line 1\ndata: line 2\n\n';
const expected = [{ id: 'ev-1', event: 'event', data: '{"a":1}' }, { id: 'ev-2', event: 'event', data: 'line 1\nline 2' }];

describe('SseParser', () => {
  test('reads the same messages however the stream is cut, with any line end', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = stream.replaceAll('\n', end);
      for (let size = 1; size <= text.length; size++) {
        const parser = new SseParser();
        const found = [];
        for (let at = 0; at < text.length; at += size) found.push(...parser.feed(text.slice(at, at + size)));
        expect(found, `cut at ${size}, line end ${JSON.stringify(end)}`).toEqual(expected);
        expect(parser.lastId).toBe('ev-2');
      }
    }
  });

  test('says nothing of comments, of messages without data, and of what is not ended yet', () => {
    const parser = new SseParser();
    expect(parser.feed(': ping\n\nid: 7\nevent: event\n\ndata: half')).toEqual([]);
    expect(parser.lastId).toBe('7');
    expect(parser.feed(' of it\n\n')).toEqual([{ id: '7', event: 'message', data: 'half of it' }]);
  });

  test('takes away one space after the colon, no more, and reads a line without a colon as an empty field', () => {
    expect(new SseParser().feed('data:  two\ndata\n\n')).toEqual([{ id: '', event: 'message', data: ' two\n' }]);
  });
});
