// Puts the API reference page into the build: its own files, and the viewer's script as its package ships it.
import { copyFile, mkdir } from 'node:fs/promises';

const to = new URL('../dist/reference/', import.meta.url);
await mkdir(to, { recursive: true });
for (const file of ['index.html', 'start.js']) await copyFile(new URL(`../reference/${file}`, import.meta.url), new URL(file, to));
await copyFile(new URL('../node_modules/@scalar/api-reference/dist/browser/standalone.js', import.meta.url), new URL('standalone.js', to));
