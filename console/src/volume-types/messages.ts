import type { Messages } from '../i18n/messages';

export const volumeTypeMessages = {
  'volumeType.title': { en: 'Volume types', ja: 'ボリュームタイプ' },
  'volumeType.about': { en: 'What a volume may be used for: limits to its operations and its throughput, reading and writing together.', ja: 'ボリュームの性能の上限です。操作数とスループットを、読み書きの合計で制限します。' },
  'volumeType.empty': { en: 'No volume types: volumes are used without limits', ja: 'ボリュームタイプはありません。ボリュームは制限なしで使えます' },
  'volumeType.create': { en: 'Create volume type', ja: 'ボリュームタイプを作成' },
  'volumeType.iops': { en: 'Operations a second (IOPS)', ja: '1 秒あたりの操作数 (IOPS)' },
  'volumeType.mib': { en: 'MiB a second', ja: '1 秒あたりの MiB' },
  'volumeType.encrypted': { en: 'Encrypted', ja: '暗号化' },
  'volumeType.encryptedHint': { en: 'Volumes that are made with this type are encrypted where they are kept, with a key of their own each.', ja: 'このタイプで作成したボリュームは、それぞれ固有の鍵で保存先において暗号化されます。' },
  'volumeType.limitHint': { en: 'Left empty: no limit.', ja: '空欄の場合は制限なし。' },
  'volumeType.noLimit': { en: 'No limit', ja: '制限なし' },
  'volumeType.notNone': { en: 'The name none stands for no type', ja: 'none は「タイプなし」を表すため、名前にできません' },
  'volumeType.deleteBody': { en: 'A type that a volume still has stays. This cannot be undone.', ja: 'ボリュームが使用中のタイプは削除できません。この操作は取り消せません。' },
} as const satisfies Messages;
