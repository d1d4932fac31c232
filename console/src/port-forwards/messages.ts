import type { Messages } from '../i18n/messages';

export const portForwardMessages = {
  'portForward.title': { en: 'Port forwards', ja: 'ポートフォワード' },
  'portForward.about': { en: 'Ports of a public address that lead to guests of this network.', ja: 'パブリックアドレスのポートを、このネットワークのゲストへ転送します。' },
  'portForward.empty': { en: 'No port forwards', ja: 'ポートフォワードはありません' },
  'portForward.create': { en: 'Create port forward', ja: 'ポートフォワードを作成' },
  'portForward.address': { en: 'Public address', ja: 'パブリックアドレス' },
  'portForward.port': { en: 'Port', ja: 'ポート' },
  'portForward.target': { en: 'Forwarded to', ja: '転送先' },
  'portForward.targetPort': { en: 'Port of the guest', ja: '転送先ポート' },
  'portForward.targetPortHint': { en: 'Left empty: the same.', ja: '空欄の場合は同じポート。' },
} as const satisfies Messages;
