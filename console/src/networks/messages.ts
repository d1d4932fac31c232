import type { Messages } from '../i18n/messages';

export const networkMessages = {
  'network.title': { en: 'Networks', ja: 'ネットワーク' },
  'network.about': { en: 'Private networks of the account. Ranges of different networks may overlap.', ja: 'アカウントのプライベートネットワークです。異なるネットワーク同士の範囲は重なってもかまいません。' },
  'network.empty': { en: 'No networks', ja: 'ネットワークはありません' },
  'network.create': { en: 'Create network', ja: 'ネットワークを作成' },
  'network.subnets': { en: 'Subnets', ja: 'サブネット' },
  'network.subnetsEmpty': { en: 'No subnets: instances cannot be launched in this network yet', ja: 'サブネットがないため、まだインスタンスを起動できません' },
  'network.createSubnet': { en: 'Create subnet', ja: 'サブネットを作成' },
  'network.cidr': { en: 'Address range', ja: 'アドレス範囲' },
  'network.cidrHint': { en: 'IPv4, prefix /16 to /28, such as 10.0.0.0/24. The first usable address is the gateway.', ja: 'IPv4、プレフィックス /16〜/28 (例: 10.0.0.0/24)。最初の使用可能なアドレスがゲートウェイになります。' },
  'network.gateway': { en: 'Gateway', ja: 'ゲートウェイ' },
  'network.dns': { en: 'DNS servers', ja: 'DNS サーバー' },
  'network.dnsHint': { en: 'Separated by commas, at most 4. Left empty, the gateway resolves names of the network and forwards the rest.', ja: 'カンマ区切り、4 つまで。空欄の場合はゲートウェイがネットワーク内の名前を解決し、それ以外を転送します。' },
  'network.dnsGateway': { en: 'the gateway', ja: 'ゲートウェイ' },
  'network.free': { en: 'Free addresses', ja: '空きアドレス' },
  'network.prefix': { en: 'A prefix from /16 to /28', ja: 'プレフィックスは /16 から /28 まで' },
  'network.subnetName': { en: 'Subnet name', ja: 'サブネット名' },
} as const satisfies Messages;
