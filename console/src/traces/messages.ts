import type { Messages } from '../i18n/messages';

export const traceMessages = {
  'trace.title': { en: 'Packet trace', ja: 'パケットトレース' },
  'trace.about': { en: 'Why does this packet not get there? Which rules let it pass, or that none does. No packet is sent.', ja: 'パケットが届くかどうかと、許可または遮断するルールを調べます。実際のパケットは送信しません。' },
  'trace.from': { en: 'From', ja: '送信元' },
  'trace.to': { en: 'To', ja: '宛先' },
  'trace.endHint': { en: 'An instance, an interface’s id, an address, or “outside”.', ja: 'インスタンス、インターフェース ID、IP アドレス、または「outside」(外部)。' },
  'trace.outsideHint': { en: 'Anywhere outside the cloud', ja: 'クラウドの外部' },
  'trace.anyInterface': { en: 'Whichever of its interfaces fits', ja: '適したインターフェースを自動で選択' },
  'trace.floatingOf': { en: 'Floating address of {name}', ja: '{name} のフローティングアドレス' },
  'trace.use': { en: 'Use: {text}', ja: '「{text}」を使う' },
  'trace.port': { en: 'Port', ja: 'ポート番号' },
  'trace.portHint': { en: 'Left empty, only rules for all ports count.', ja: '空欄の場合は全ポートを許可するルールだけが対象です。' },
  'trace.typeHint': { en: 'Left empty, only rules for all types count. Ping is 8, in IPv6 128.', ja: '空欄の場合は全タイプを許可するルールだけが対象です。Ping は 8、IPv6 では 128。' },
  'trace.submit': { en: 'Trace', ja: 'トレース実行' },
  'trace.arrives': { en: 'The packet arrives', ja: 'パケットは届きます' },
  'trace.lost': { en: 'The packet does not arrive', ja: 'パケットは届きません' },
  'trace.steps': { en: 'The way it goes', ja: '経路と判定' },
  'trace.decidedBy': { en: 'Decided by', ja: '判定したグループ' },
  'trace.groupsOf': { en: 'Groups of {name}:', ja: '{name} のグループ:' },
  'trace.link': { en: 'Why does a packet not get here?', ja: 'パケットが届かない理由を調べる' },
} as const satisfies Messages;
