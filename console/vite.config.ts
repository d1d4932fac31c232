import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// The design system's style sheet carries its font as data: URLs, which the page's content security policy refuses. The console
// uses the fonts of the system (src/shell/theme.ts), which know Japanese too.
const withoutFonts: Plugin = {
  name: 'without-fonts',
  enforce: 'pre',
  transform: (code, id) => (id.includes('global-styles') && id.includes('.css') ? code.replace(/@font-face\s*\{[^}]*\}/g, '') : null),
};

const server = process.env.KUMOI_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [withoutFonts, react()],
  build: {
    target: 'es2022',
    // Nothing is inlined as data: URLs: the content security policy allows those for images only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  // `npm run dev` works against a server that runs already.
  server: { proxy: { '/api': { target: server, ws: true }, '/openapi': server } },
});
