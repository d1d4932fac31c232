import type { Messages } from '../i18n/messages';

export const zoneMessages = {
  'zone.title': { en: 'Zones', ja: 'ゾーン' },
  'zone.about': { en: 'Places whose hosts share power, network and distance.', ja: '電源、ネットワーク、距離を共有するホストのまとまりです。' },
  'zone.create': { en: 'Create zone', ja: 'ゾーンを作成' },
  'zone.empty': { en: 'No zones', ja: 'ゾーンはありません' },
} as const satisfies Messages;
