import type { Messages } from '../i18n/messages';

export const keyPairMessages = {
  'keyPair.title': { en: 'Key pairs', ja: 'キーペア' },
  'keyPair.about': { en: 'Public SSH keys that are put into instances.', ja: 'インスタンスに登録される SSH 公開鍵です。' },
  'keyPair.empty': { en: 'No key pairs', ja: 'キーペアはありません' },
  'keyPair.create': { en: 'Create key pair', ja: 'キーペアを作成' },
  'keyPair.type': { en: 'Type', ja: '種類' },
  'keyPair.fingerprint': { en: 'Fingerprint', ja: 'フィンガープリント' },
  'keyPair.publicKey': { en: 'Public key', ja: '公開鍵' },
  'keyPair.publicKeyHint': { en: 'The content of a file such as id_ed25519.pub.', ja: 'id_ed25519.pub などのファイルの内容。' },
  'keyPair.how': { en: 'Key', ja: '鍵' },
  'keyPair.how.generate': { en: 'Generate a new pair', ja: '新しく生成する' },
  'keyPair.how.generateHint': { en: 'The private key is shown once.', ja: '秘密鍵は一度だけ表示されます。' },
  'keyPair.how.import': { en: 'Import a public key', ja: '公開鍵を登録する' },
  'keyPair.how.importHint': { en: 'Your private key stays with you.', ja: '秘密鍵は手元から出ません。' },
  'keyPair.madeTitle': { en: 'The private key of {name}', ja: '{name} の秘密鍵' },
  'keyPair.once': { en: 'Save it now: it is shown only this once and is stored nowhere.', ja: '今すぐ保存してください。秘密鍵は今回だけ表示され、どこにも保存されません。' },
  'keyPair.kept': { en: 'I have saved the private key', ja: '秘密鍵を保存しました' },
  'keyPair.deleteBody': { en: 'Instances keep the key they were launched with.', ja: '起動済みのインスタンスの鍵はそのまま残ります。' },
} as const satisfies Messages;
