import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // Nothing is inlined as data: URLs: the page's content security policy allows those for images only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  server: {
    // `npm run dev` against a server on this machine.
    proxy: { '/api': { target: process.env.KUMOI_SERVER ?? 'http://127.0.0.1:8080', ws: true }, '/openapi': process.env.KUMOI_SERVER ?? 'http://127.0.0.1:8080' },
  },
});
