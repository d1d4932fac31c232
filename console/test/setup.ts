// What the modules under test find in a browser when they are loaded.
const kept = () => ({ getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
Object.assign(globalThis, { localStorage: kept(), sessionStorage: kept(), location: { origin: 'http://console.test', protocol: 'http:' } });
Object.defineProperty(globalThis, 'navigator', { value: { languages: ['en'] }, configurable: true });
