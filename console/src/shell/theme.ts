import { applyTheme } from '@cloudscape-design/components/theming';

const sans = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Hiragino Sans', 'Yu Gothic UI', Meiryo, 'Noto Sans JP', 'Noto Sans CJK JP', sans-serif";
const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK JP', monospace";

applyTheme({ theme: { tokens: { fontFamilyBase: sans, fontFamilyHeading: sans, fontFamilyDisplay: sans, fontFamilyMonospace: mono } } });
