import type { Messages } from '../i18n/messages';

export const flavorMessages = {
  'flavor.title': { en: 'Flavors', ja: 'フレーバー' },
  'flavor.about': { en: 'The sizes of instance that accounts can choose from.', ja: 'アカウントが選べるインスタンスの大きさです。' },
  'flavor.create': { en: 'Create flavor', ja: 'フレーバーを作成' },
  'flavor.empty': { en: 'No flavors', ja: 'フレーバーはありません' },
  'flavor.vcpus': { en: 'vCPUs', ja: 'vCPU' },
  'flavor.memory': { en: 'Memory', ja: 'メモリ' },
  'flavor.disk': { en: 'Disk', ja: 'ディスク' },
  'flavor.memoryMib': { en: 'Memory (MiB)', ja: 'メモリ (MiB)' },
  'flavor.diskGib': { en: 'Root disk (GiB)', ja: 'ルートディスク (GiB)' },
  'flavor.size': { en: '{vcpus} vCPU · {memory} memory · {disk} disk', ja: 'vCPU {vcpus} · メモリ {memory} · ディスク {disk}' },
} as const satisfies Messages;
