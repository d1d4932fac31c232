import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// The design system's style sheet carries its font as data: URLs, which the page's content security policy refuses. The console
// uses the fonts of the system instead (--kumoi-sans in src/shell/shell.css), which know Japanese too.
const systemFonts: Plugin = {
  name: 'system-fonts',
  enforce: 'pre',
  transform: (code, id) => (id.includes('@cloudscape-design') && id.includes('.css')
    ? code.replace(/@font-face\s*\{[^}]*\}/g, '').replace(/(["'])Open Sans\1,\s*(["'])Helvetica Neue\2,\s*Roboto,\s*Arial,\s*sans-serif/g, 'var(--kumoi-sans)')
    : null),
};

const server = process.env.KUMOI_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [systemFonts, react()],
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
