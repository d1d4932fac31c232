/** The WebSocket's address: the API's host, and the path that carries its ticket. */
export function consoleAddress(path: string): string {
  const url = new URL(path, location.origin);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

export type ConsoleState = 'connecting' | 'connected' | 'closed' | 'failed';
